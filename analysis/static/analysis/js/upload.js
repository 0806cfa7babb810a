// Uploads files, three at a time, from the upload page or the library.
import { acceptDrops, couldBePicture, folderOf } from "./dropped_files.js";
import { InterruptedUploads } from "./interrupted_uploads.js";
import { NUMBER, message } from "./messages.js";
import { pairSidecars } from "./sidecars.js";
import { TransferRate } from "./transfer_rate.js";
import { ConnectionLost, SignedOut, UploadRefused } from "./upload_errors.js";
import { UploadFile, post } from "./upload_file.js";
import { UploadJournal } from "./upload_journal.js";
import { AwaitedRows, LiveRows } from "./upload_rows.js";
import { loadTarget, targetOf } from "./upload_target.js";
import { UploadView } from "./upload_view.js";

const CONCURRENCY = 3;
const MAX_RETRY_DELAY = 10_000;

class UploadFiles extends HTMLElement {
  connectedCallback() {
    this.queue = [];
    this.active = new Set();
    this.total = { files: 0, bytes: 0, ended: 0, sent: 0, added: 0, duplicates: 0, trashed: 0, refused: 0, skipped: 0 };
    this.view = new UploadView(this);
    this.rate = new TransferRate();
    this.journal = new UploadJournal(this.dataset.person);
    this.interrupted = new InterruptedUploads(this, this.journal);
    this.isPaused = false;
    this.awaited = new AwaitedRows(this.dataset.statesUrl, (upload, row) => {
      this.addResult(upload, row);
      this.render();
    });
    this.live = new LiveRows(this.view.section("added"), this.dataset.stateUrl, (id) => this.countRestored(id));
    this.listen();
    this.showInterrupted();
    acceptDrops(
      (isOver) => this.classList.toggle("is-drop-target", isOver),
      (files, isFolder) => this.add(files, isFolder),
    );
  }

  get isBusy() {
    return this.active.size + this.queue.length > 0;
  }

  listen() {
    this.addEventListener("change", ({ target }) => {
      if (!target.matches("input[type=file]")) return;
      this.add([...target.files], target.webkitdirectory);
      target.value = "";
    });
    this.addEventListener("click", ({ target }) => {
      if (target.closest("[data-retry]")) this.retry(target.closest("li"));
      if (target.closest("[data-retry-all]")) this.view.retryable().forEach((row) => this.retry(row));
      if (target.closest("[data-discard]")) this.discard();
      if (target.closest("[data-minimize-dock]")) this.view.toggleMinimized();
      if (target.closest("[data-close-dock]")) this.classList.remove("has-uploads");
    });
    addEventListener("beforeunload", (event) => {
      if (this.isBusy) event.preventDefault();
    });
    addEventListener("online", () => this.resume());
  }

  async showInterrupted() {
    await this.interrupted.load();
    if (this.interrupted.size) this.classList.add("has-uploads");
    this.render();
  }

  discard() {
    const abort = (ticket) => post(this.dataset.abortUrl.replace(/[0-9a-f-]{36}/, ticket), []);
    this.interrupted.discard((ticket) => abort(ticket).catch(() => {})); // if this fails, the server deletes them tomorrow
    if (!this.total.files) this.classList.remove("has-uploads");
    this.render();
  }

  // Of a folder, only files that may be pictures; files chosen individually are all sent, and the server checks them.
  add(files, isFolder) {
    const { pictures, sidecars, alone, tooLarge } = pairSidecars(files);
    const accepted = pictures.filter((file) => !isFolder || couldBePicture(file));
    this.total.skipped += pictures.length - accepted.length + (isFolder ? alone.length : 0);
    this.classList.add("has-uploads");
    loadTarget(this);
    const uploads = [];
    for (const file of accepted) {
      this.total.files += 1;
      this.total.bytes += file.size;
      if (file.size > Number(this.dataset.maxBytes)) this.refuseLarge(file);
      else uploads.push({ file, sidecar: sidecars.get(file), sent: 0, row: null });
    }
    this.remember(uploads);
    this.queue.push(...uploads);
    for (const file of isFolder ? [] : alone) this.refuseSidecar(file, message("sidecar-alone"));
    for (const file of tooLarge) this.refuseSidecar(file, message("sidecar-too-large"));
    this.sendNext();
  }

  remember(uploads) {
    const target = targetOf(this);
    const entries = uploads.map(({ file }) => ({ name: file.name, size: file.size, folder: folderOf(file), target }));
    const ids = this.journal.add(entries).catch(() => []);
    uploads.forEach((upload, index) => Object.assign(upload, { entry: ids.then((entryIds) => entryIds[index]) }));
  }

  async note(upload, values) {
    const id = await upload.entry;
    if (id !== undefined) await (values ? this.journal.change(id, values) : this.journal.remove([id]));
  }

  refuseLarge(file) {
    this.total.bytes -= file.size;
    const size = `${NUMBER.format(Math.ceil((file.size / 1000 ** 2) * 10) / 10)} MB`;
    this.addError({ file }, message("file-over-limit", { size, limit: this.dataset.limit }), false);
  }

  refuseSidecar(file, reason) {
    this.total.files += 1;
    this.addError({ file }, reason, false);
  }

  sendNext() {
    while (!this.isPaused && this.active.size < CONCURRENCY && this.queue.length) this.send(this.queue.shift());
    this.render();
  }

  async send(upload) {
    this.active.add(upload);
    const request = new UploadFile(upload, this.dataset.url, {
      target: () => targetOf(this),
      onHash: () => {
        upload.ticket ??= this.interrupted.take(upload.file, upload.sha256);
        this.note(upload, { sha256: upload.sha256, ticket: upload.ticket });
      },
      onTicket: ({ upload: ticket, shown_at: shownAt }) => {
        upload.ticket = ticket;
        this.view.shownAt = shownAt || this.view.shownAt;
        if (ticket) this.note(upload, { ticket, target: targetOf(this) });
      },
      onProgress: (share) => this.updateProgress(upload, share),
      onState: (state) => this.view.setState(upload, state),
    });
    try {
      const row = await request.run();
      this.finish(upload);
      this.note(upload, null);
      if (row.dataset.outcome === "checking") this.awaited.add(row.dataset.ticket, upload);
      else this.addResult(upload, row);
    } catch (error) {
      if (error instanceof ConnectionLost) return this.pause(upload);
      this.finish(upload);
      if (error instanceof SignedOut) this.stopSignedOut(upload);
      else if (error instanceof UploadRefused) this.refuse(upload, error);
      else throw error;
    }
    this.sendNext();
  }

  updateProgress(upload, share) {
    const sent = share * upload.file.size;
    this.total.sent += sent - upload.sent;
    upload.sent = sent;
    this.view.setProgress(upload, share);
    this.render();
  }

  finish(upload) {
    this.active.delete(upload);
    upload.row?.remove();
    upload.row = null;
    this.total.sent += upload.file.size - upload.sent;
    upload.sent = upload.file.size;
  }

  addResult(upload, row) {
    const { outcome, image } = row.dataset;
    this.total.ended += 1;
    if (outcome === "refused") {
      this.total.refused += 1;
      const retry = row.querySelector("[data-retry]");
      if (retry) retry.hidden = false;
      row.upload = upload;
      this.view.addRow("refused", row);
      return;
    }
    this.total[{ duplicate: "duplicates", trashed: "trashed" }[outcome] ?? "added"] += 1;
    if (outcome !== "trashed") this.view.shownIds.add(image);
    this.view.addRow("added", row);
    this.live.poll();
    if (outcome === "stored" || outcome === "duplicate") document.dispatchEvent(new CustomEvent("image-in-library"));
    if (outcome === "stored") document.dispatchEvent(new CustomEvent("image-stored", { detail: { id: image } }));
  }

  countRestored(id) {
    this.view.shownIds.add(id);
    this.total.trashed -= 1;
    this.total.duplicates += 1;
    this.render();
  }

  refuse(upload, error) {
    this.note(upload, null);
    this.addError(upload, error.message, error.canRetry);
  }

  addError(upload, error, canRetry) {
    const row = this.view.createErrorRow(upload, error, canRetry);
    row.upload = upload;
    this.total.ended += 1;
    this.total.refused += 1;
    this.view.addRow("refused", row);
  }

  retry(row) {
    row.remove();
    this.total.ended -= 1;
    this.total.refused -= 1;
    this.total.sent -= row.upload.file.size;
    // Hashed again, as the file may have changed.
    const upload = { ...row.upload, sent: 0, row: null, sha256: undefined };
    this.remember([upload]);
    this.queue.unshift(upload);
    this.sendNext();
  }

  // The file whose connection was lost is sent next, once the server responds again.
  pause(upload) {
    this.active.delete(upload);
    this.total.sent -= upload.sent;
    upload.sent = 0;
    this.view.setState(upload, message("upload-waiting"));
    this.queue.unshift(upload);
    if (this.isPaused) return;
    this.isPaused = true;
    this.view.showAlert(message("upload-connection-lost"));
    this.resumeIn(1_000);
  }

  resumeIn(delay) {
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.resume(), delay);
    this.nextDelay = Math.min(delay * 2, MAX_RETRY_DELAY);
  }

  async resume() {
    if (!this.isPaused) return;
    clearTimeout(this.retryTimer);
    try {
      await fetch(this.dataset.stateUrl, { method: "HEAD", cache: "no-store" });
    } catch {
      this.resumeIn(this.nextDelay ?? 1_000);
      return;
    }
    this.isPaused = false;
    this.view.showAlert("");
    this.sendNext();
  }

  stopSignedOut(upload) {
    this.total.sent -= upload.file.size;
    upload.sent = 0;
    this.queue = [];
    this.view.showAlert(message("upload-signed-out"));
    this.addError(upload, message("upload-file-signed-out"), false);
  }

  render() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.view.renderActive(this.active, this.queue);
      this.view.renderTotal(this.total, {
        isBusy: this.isBusy,
        isDone: !this.isBusy && !this.awaited.size,
        interrupted: this.interrupted.size,
        rate: this.isPaused ? 0 : this.rate.update(this.total.sent),
      });
      this.view.renderCounts(this.total);
    });
  }
}

customElements.define("upload-files", UploadFiles);
