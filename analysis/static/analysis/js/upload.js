// Files go up three at a time, each with its progress; what becomes of them comes back as rows made by the server.
// However many there are, the page holds a few hundred rows: the rest are numbers.
import { couldBePicture, filesIn } from "./dropped.js";
import { Pace } from "./pace.js";
import { AwaitedRows, LiveRows } from "./rows.js";
import { Lost, Refused, Sending, SignedOut } from "./sending.js";
import { NUMBER, duration, summary } from "./words.js";

const AT_ONCE = 3;
const ROWS = 200;
const NEXT = 5;

class UploadFiles extends HTMLElement {
  connectedCallback() {
    this.waiting = [];
    this.active = new Set();
    this.awaited = new AwaitedRows(this.dataset.ticketsUrl, (item, row) => {
      this.report(item, row);
      this.draw();
    });
    this.total = { files: 0, bytes: 0, over: 0, sent: 0, added: 0, known: 0, trashed: 0, refused: 0, passed: 0 };
    this.pace = new Pace();
    this.isPaused = false;
    this.live = new LiveRows(this.section("added"), this.dataset.stateUrl, () => this.restored());
    this.acceptChoices();
    this.acceptDrops();
    addEventListener("beforeunload", (event) => {
      if (this.isBusy) event.preventDefault();
    });
    addEventListener("online", () => this.resume());
  }

  get isBusy() {
    return this.active.size + this.waiting.length > 0;
  }

  acceptChoices() {
    this.addEventListener("change", ({ target }) => {
      if (target.matches("input[type=file]")) this.take(target, target.webkitdirectory);
    });
    this.addEventListener("click", ({ target }) => {
      if (target.closest("[data-retry]")) this.retry(target.closest("li"));
      if (target.closest("[data-close]")) this.classList.remove("in-use");
    });
  }

  take(input, isFolder) {
    this.add([...input.files], isFolder);
    input.value = "";
  }

  acceptDrops() {
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    let depth = 0;
    const over = (change) => {
      depth = Math.max(0, depth + change);
      this.classList.toggle("dropping", depth > 0);
    };
    addEventListener("dragenter", (event) => carriesFiles(event) && over(1));
    addEventListener("dragleave", (event) => carriesFiles(event) && over(-1));
    addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
    addEventListener("drop", async (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      over(-depth);
      // Entries are only there while the event is: ask for all of them before waiting for any.
      const dropped = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
      for (const each of dropped.filter(Boolean)) this.add(await filesIn(each), each.isDirectory);
    });
  }

  // From a folder only what could be a picture; files somebody chose one by one are all sent and judged by the server.
  add(files, isFolder) {
    const wanted = files.filter((file) => !isFolder || couldBePicture(file));
    this.total.passed += files.length - wanted.length;
    this.classList.add("in-use");
    for (const file of wanted) {
      this.total.files += 1;
      this.total.bytes += file.size;
      if (file.size > Number(this.dataset.maxBytes)) this.refuseEarly(file);
      else this.waiting.push({ file, sent: 0, row: null });
    }
    this.proceed();
  }

  refuseEarly(file) {
    this.total.bytes -= file.size;
    const size = `${NUMBER.format(Math.ceil((file.size / 1024 ** 2) * 10) / 10)} MB`;
    this.refuse({ file }, `${size} is over the limit of ${this.dataset.limit}`, false);
  }

  proceed() {
    while (!this.isPaused && this.active.size < AT_ONCE && this.waiting.length) this.send(this.waiting.shift());
    this.draw();
  }

  async send(item) {
    this.active.add(item);
    const sending = new Sending(item.file, this.dataset.url, {
      onProgress: (share) => this.progressed(item, share),
      onState: (words) => this.state(item, words),
    });
    try {
      const row = await sending.run();
      this.finish(item);
      if (row.dataset.outcome === "checking") this.awaited.add(row.dataset.ticket, item);
      else this.report(item, row);
    } catch (error) {
      if (error instanceof Lost) return this.lost(item);
      this.finish(item);
      if (error instanceof SignedOut) this.signedOut(item);
      else if (error instanceof Refused) this.refuse(item, error.message, error.mayRetry);
      else throw error;
    }
    this.proceed();
  }

  progressed(item, share) {
    const sent = share * item.file.size;
    this.total.sent += sent - item.sent;
    item.sent = sent;
    if (item.row) item.row.querySelector("progress").value = share;
    this.state(item, share < 1 ? `${Math.floor(100 * share)}\u202f%` : "Checking");
    this.draw();
  }

  state(item, words) {
    item.words = words;
    if (item.row) item.row.querySelector(".upload-state").textContent = words;
  }

  finish(item) {
    this.active.delete(item);
    item.row?.remove();
    item.row = null;
    this.total.sent += item.file.size - item.sent;
    item.sent = item.file.size;
  }

  report(item, row) {
    this.total.over += 1;
    if (row.dataset.outcome === "refused") {
      this.total.refused += 1;
      const retry = row.querySelector("[data-retry]");
      if (retry) retry.hidden = false;
      row.item = item;
      this.put("refused", row);
      return;
    }
    this.total[{ known: "known", trashed: "trashed" }[row.dataset.outcome] ?? "added"] += 1;
    this.put("added", row);
    this.live.poll();
  }

  restored() {
    this.total.trashed -= 1;
    this.total.known += 1;
    this.draw();
  }

  refuse(item, sentence, mayRetry) {
    const row = this.template("refused");
    row.querySelector(".name").textContent = item.file.name;
    row.querySelector(".sentence").textContent = sentence;
    if (!mayRetry) row.querySelector("[data-retry]").remove();
    row.item = item;
    this.total.over += 1;
    this.total.refused += 1;
    this.put("refused", row);
  }

  retry(row) {
    row.remove();
    this.total.over -= 1;
    this.total.refused -= 1;
    this.total.sent -= row.item.file.size;
    this.waiting.unshift({ file: row.item.file, sent: 0, row: null });
    this.proceed();
  }

  // A file whose connection broke is the next one to go, once the server answers again.
  lost(item) {
    this.active.delete(item);
    this.total.sent -= item.sent;
    item.sent = 0;
    this.state(item, "Waiting");
    this.waiting.unshift(item);
    if (this.isPaused) return;
    this.isPaused = true;
    this.notice("The connection is lost. The upload goes on by itself as soon as it is back.");
    this.resume(1_000);
  }

  async resume(after = 0) {
    if (!this.isPaused) return;
    clearTimeout(this.retryTimer);
    if (after) {
      this.retryTimer = setTimeout(() => this.resume(), after);
      this.nextWait = Math.min(after * 2, 10_000);
      return;
    }
    try {
      await fetch(this.dataset.stateUrl, { method: "HEAD", cache: "no-store" });
    } catch {
      this.resume(this.nextWait ?? 1_000);
      return;
    }
    this.isPaused = false;
    this.notice("");
    this.proceed();
  }

  signedOut(item) {
    this.total.sent -= item.file.size;
    item.sent = 0;
    this.waiting = [];
    this.notice("You were signed out. Sign in on another page, then reload this one and choose the rest again.");
    this.refuse(item, "not sent: you were signed out", false);
  }

  // --- What is on the page ---

  template(name) {
    return this.querySelector(`template[data-row=${name}]`).content.firstElementChild.cloneNode(true);
  }

  section(name) {
    return this.querySelector(`[data-section=${name}]`);
  }

  put(name, row) {
    const list = this.section(name).querySelector("ol");
    list.prepend(row);
    if (list.children.length > ROWS) list.lastElementChild.remove();
  }

  notice(words) {
    const notice = this.querySelector("[data-notice]");
    notice.textContent = words;
    notice.hidden = !words;
  }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.drawActive();
      this.drawTotal();
      this.drawNumbers();
    });
  }

  drawActive() {
    const section = this.section("active");
    const shown = [...this.active, ...this.waiting.slice(0, NEXT)];
    for (const item of shown) {
      if (item.row) continue;
      item.row = this.template("active");
      item.row.querySelector(".name").textContent = item.file.webkitRelativePath || item.file.name;
      this.state(item, item.words ?? "Waiting");
    }
    const list = section.querySelector("ol");
    const rows = shown.map((item) => item.row);
    if (rows.length !== list.children.length || rows.some((row, index) => row !== list.children[index])) {
      list.replaceChildren(...rows);
    }
    const rest = this.waiting.length - NEXT;
    section.querySelector("[data-rest]").textContent = rest > 0 ? `and ${NUMBER.format(rest)} more` : "";
    section.hidden = !rows.length;
  }

  drawTotal() {
    const { files, bytes, over, sent, passed } = this.total;
    this.classList.toggle("busy", this.isBusy);
    this.querySelector("[data-total]").hidden = !(files + passed);
    this.querySelector(".total-bar").value = bytes ? sent / bytes : 1;
    const count = `${NUMBER.format(over)} of ${NUMBER.format(files)}`;
    const isDone = !this.isBusy && !this.awaited.size;
    this.querySelector("[data-count]").textContent = isDone ? summary(this.total) : count;
    this.querySelector("[data-rate]").textContent = this.isBusy ? this.rate(bytes - sent) : "";
  }

  drawNumbers() {
    const { added, known, trashed, refused } = this.total;
    for (const [name, number] of [["refused", refused], ["added", added + known + trashed]]) {
      const section = this.section(name);
      const hidden = number - section.querySelector("ol").children.length;
      section.hidden = !number;
      section.querySelector("[data-number]").textContent = NUMBER.format(number);
      section.querySelector("[data-rest]").textContent = hidden > 0 ? `and ${NUMBER.format(hidden)} more` : "";
    }
  }

  rate(left) {
    const perSecond = this.pace.at(this.total.sent);
    if (perSecond <= 0 || this.isPaused) return "";
    return `${(perSecond / 1e6).toFixed(1)} MB/s · ${duration(left / perSecond)}`;
  }
}

customElements.define("upload-files", UploadFiles);
