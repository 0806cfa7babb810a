// The upload view: the total, and rows for active, refused and added files. However many files there are, the page shows at
// most a few hundred rows, and the rest as numbers.
import { NUMBER, message } from "./messages.js";
import { idSearch } from "./picture_ids.js";
import { summary, timeLeft } from "./upload_messages.js";

const MAX_ROWS = 200;
const MAX_QUEUED_ROWS = 5;

export class UploadView {
  constructor(root) {
    this.root = root;
    this.shownAt = "";
    this.shownIds = new Set(); // ids of pictures that were added or were already in the library
  }

  get dock() {
    return this.root.querySelector(".upload-dock");
  }

  toggleMinimized() {
    const isMinimized = this.dock.classList.toggle("is-minimized");
    this.dock.querySelector("[data-minimize-dock]").setAttribute("aria-expanded", String(!isMinimized));
  }

  // Rows of files for which another attempt may succeed.
  retryable() {
    return [...this.list("refused").children].filter((row) => row.querySelector("[data-retry]") && row.upload);
  }

  section(name) {
    return this.root.querySelector(`[data-section=${name}]`);
  }

  list(name) {
    return this.section(name).querySelector("ol");
  }

  createRow(name) {
    return this.root.querySelector(`template[data-row=${name}]`).content.firstElementChild.cloneNode(true);
  }

  addRow(name, row) {
    const list = this.list(name);
    list.prepend(row);
    if (list.children.length > MAX_ROWS) list.lastElementChild.remove();
  }

  createErrorRow(upload, error, canRetry) {
    const row = this.createRow("refused");
    row.querySelector(".name").textContent = upload.file.name;
    row.querySelector(".upload-message").textContent = error;
    if (!canRetry) row.querySelector("[data-retry]").remove();
    return row;
  }

  setState(upload, state) {
    upload.state = state;
    if (upload.row) upload.row.querySelector(".upload-status").textContent = state;
  }

  setProgress(upload, share) {
    if (upload.row) upload.row.querySelector("progress").value = share;
    this.setState(upload, share < 1 ? `${Math.floor(100 * share)}\u202f%` : message("upload-checking"));
  }

  showAlert(text) {
    const alert = this.root.querySelector("[data-upload-alert]");
    alert.textContent = text;
    alert.hidden = !text;
  }

  renderActive(active, queue) {
    const visible = [...active, ...queue.slice(0, MAX_QUEUED_ROWS)];
    for (const upload of visible) {
      if (upload.row) continue;
      upload.row = this.createRow("active");
      upload.row.querySelector(".name").textContent = upload.file.webkitRelativePath || upload.file.name;
      this.setState(upload, upload.state ?? message("upload-waiting"));
    }
    const list = this.list("active");
    const rows = visible.map((upload) => upload.row);
    if (rows.length !== list.children.length || rows.some((row, index) => row !== list.children[index])) {
      list.replaceChildren(...rows);
    }
    this.renderRemaining("active", queue.length - MAX_QUEUED_ROWS);
    this.section("active").hidden = !rows.length;
  }

  renderTotal(total, { isBusy, isDone, interrupted, rate }) {
    const { files, bytes, ended, sent, skipped } = total;
    this.root.classList.toggle("is-uploading", isBusy);
    this.root.querySelector("[data-upload-total]").hidden = !(files + skipped + interrupted);
    const bar = this.root.querySelector(".upload-total-bar");
    bar.hidden = !(files + skipped);
    bar.value = bytes ? sent / bytes : 1;
    const progress = message("upload-progress", { done: NUMBER.format(ended), total: NUMBER.format(files) });
    const text = isDone ? summary(total) || message("uploads") : progress;
    this.root.querySelector("[data-upload-summary]").textContent = text;
    this.renderLinks(isDone ? this.shownIds.size : 0);
    const isMoving = isBusy && rate > 0;
    this.root.querySelector("[data-upload-rate]").textContent = isMoving
      ? `${(rate / 1e6).toFixed(1)} MB/s · ${timeLeft((bytes - sent) / rate)}`
      : "";
  }

  renderCounts({ added, duplicates, trashed, refused }) {
    for (const [name, count] of [["refused", refused], ["added", added + duplicates + trashed]]) {
      const section = this.section(name);
      section.hidden = !count;
      section.querySelector("[data-section-count]").textContent = NUMBER.format(count);
      this.renderRemaining(name, count - this.list(name).children.length);
    }
    this.root.querySelector("[data-retry-all]").hidden = this.retryable().length < 2;
  }

  // Links to exactly these pictures, and to the collection they were added to.
  renderLinks(number) {
    const link = this.root.querySelector("[data-show-added]");
    const collection = this.root.querySelector("[data-show-collection]");
    this.root.querySelector("[data-show-line]").hidden = !number;
    if (!number) return;
    link.textContent = message("show-pictures", { number });
    link.search = new URLSearchParams({ q: `${idSearch(this.shownIds)} sort:newest` });
    collection.hidden = !this.shownAt;
    if (this.shownAt) collection.href = this.shownAt;
  }

  renderRemaining(name, count) {
    this.section(name).querySelector("[data-section-remaining]").textContent = count > 0 ? message("more-rows", { number: count }) : "";
  }
}
