// Files go up three at a time, each with its progress; what becomes of them comes back as rows made by the server.
// However many there are, the page holds a few hundred rows: the rest are numbers.
const AT_ONCE = 3;
const ROWS = 200;
const NEXT = 5;
const POLL = 700;
const PICTURE = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|bmp|hei[cf]|hif|avif|svg)$/i;
const NUMBER = new Intl.NumberFormat("en");

class UploadFiles extends HTMLElement {
  connectedCallback() {
    this.waiting = [];
    this.active = new Map();
    this.total = { files: 0, bytes: 0, over: 0, sent: 0, added: 0, known: 0, refused: 0, passed: 0 };
    this.samples = [];
    this.isPaused = false;
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

  send(item) {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("files", item.file, item.file.name);
    this.active.set(item, request);
    request.upload.onprogress = (event) => this.progressed(item, event);
    request.upload.onload = () => this.state(item, "Checking");
    request.onload = () => this.answered(item, request);
    request.onerror = () => this.lost(item);
    request.open("POST", this.dataset.url);
    request.setRequestHeader("X-CSRFToken", document.querySelector("[name=csrfmiddlewaretoken]").value);
    request.setRequestHeader("HX-Request", "true");
    request.send(body);
  }

  progressed(item, event) {
    const sent = event.total ? (event.loaded / event.total) * item.file.size : 0;
    this.total.sent += sent - item.sent;
    item.sent = sent;
    if (item.row) item.row.querySelector("progress").value = event.total ? event.loaded / event.total : 0;
    this.state(item, `${Math.floor((100 * event.loaded) / (event.total || 1))}\u202f%`);
    this.draw();
  }

  state(item, words) {
    item.words = words;
    if (item.row) item.row.querySelector(".upload-state").textContent = words;
  }

  answered(item, request) {
    this.finish(item);
    const rows = request.status === 200 ? parsed(request.responseText) : [];
    if (new URL(request.responseURL).pathname !== this.dataset.url) this.signedOut(item);
    else if (rows.length) this.report(item, rows[0]);
    else this.refuse(item, sentenceOf(request.status), request.status !== 413);
    this.proceed();
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
    this.total[row.dataset.outcome === "known" ? "known" : "added"] += 1;
    this.put("added", row);
    if (row.matches("[data-open]")) this.poll();
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

  // Pictures under way tell their state until the server says they are done; only rows that changed come back.
  async poll() {
    if (this.isPolling) return;
    this.isPolling = true;
    for (let open = this.open(); open.length; open = this.open()) {
      await new Promise((resolve) => setTimeout(resolve, POLL));
      const asked = new URLSearchParams(open.map((row) => ["id", `${row.dataset.image}-${row.dataset.version}`]));
      const answer = await fetch(`${this.dataset.stateUrl}?${asked}`, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (answer?.ok && !answer.redirected) parsed(await answer.text()).forEach((row) => this.renew(row));
    }
    this.isPolling = false;
  }

  open() {
    return [...this.querySelectorAll("[data-section=added] [data-open]")].slice(-60);
  }

  renew(row) {
    const old = this.querySelector(`[data-section=added] [data-image="${row.dataset.image}"]`);
    if (!old) return;
    row.querySelector(".name a").textContent = old.querySelector(".name").textContent;
    row.querySelector("img").replaceWith(old.querySelector("img"));
    old.replaceWith(row);
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
    const shown = [...this.active.keys(), ...this.waiting.slice(0, NEXT)];
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
    this.querySelector("[data-count]").textContent = this.isBusy ? count : summary(this.total);
    this.querySelector("[data-rate]").textContent = this.isBusy ? this.rate(bytes - sent) : "";
  }

  drawNumbers() {
    const { added, known, refused } = this.total;
    for (const [name, number] of [["refused", refused], ["added", added + known]]) {
      const section = this.section(name);
      const hidden = number - section.querySelector("ol").children.length;
      section.hidden = !number;
      section.querySelector("[data-number]").textContent = NUMBER.format(number);
      section.querySelector("[data-rest]").textContent = hidden > 0 ? `and ${NUMBER.format(hidden)} more` : "";
    }
  }

  // Over the last five seconds: steady enough to read, quick enough to be true.
  rate(left) {
    const now = performance.now();
    this.samples.push([now, this.total.sent]);
    while (this.samples.length > 2 && now - this.samples[0][0] > 5_000) this.samples.shift();
    const [[then, before]] = this.samples;
    const perSecond = now - then > 300 ? ((this.total.sent - before) / (now - then)) * 1_000 : 0;
    if (perSecond <= 0 || this.isPaused) return "";
    return `${(perSecond / 1e6).toFixed(1)} MB/s · ${duration(left / perSecond)}`;
  }
}

function couldBePicture(file) {
  return !file.name.startsWith(".") && (file.type.startsWith("image/") || PICTURE.test(file.name));
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.querySelectorAll("li[data-outcome]")];
}

function sentenceOf(status) {
  if (status === 413) return "it is larger than the server accepts";
  if (status === 403) return "the page is too old; reload it and choose the file again";
  return `the server could not take it (status ${status}); try again in a moment`;
}

function summary({ added, known, refused, passed }) {
  const parts = [
    added && `${NUMBER.format(added)} added`,
    known && `${NUMBER.format(known)} already here`,
    refused && `${NUMBER.format(refused)} not accepted`,
    passed && `${NUMBER.format(passed)} other files passed over`,
  ];
  return parts.filter(Boolean).join(", ");
}

function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min left`;
  return `${(seconds / 3_600).toFixed(1)} h left`;
}

async function filesIn(entry) {
  if (entry instanceof File) return [entry];
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  // A folder comes in portions; the last one is empty.
  for (let portion = null; portion === null || portion.length; found.push(...portion)) {
    portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  }
  found.sort((one, other) => one.name.localeCompare(other.name));
  const files = [];
  for (const each of found) files.push(...(await filesIn(each)));
  return files;
}

customElements.define("upload-files", UploadFiles);
