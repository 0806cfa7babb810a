// Rows of uploaded files, rendered by the server.
import { fetchFragment, fetchHtml, parseHtml } from "./fragments.js";
import { message } from "./messages.js";

const POLL_INTERVAL = 500;
const MAX_POLLED = 60;

export const parseRows = (html) => [...parseHtml(html).querySelectorAll("li[data-outcome]")];

export async function fetchRows(url, ids) {
  const html = await fetchHtml(`${url}?${new URLSearchParams(ids.map((id) => ["id", id]))}`);
  return html === null ? [] : parseRows(html);
}

const wait = () => new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));

// The server renders a polled row like that of a new picture; only this script knows that it was in the library before.
function markKnown(row) {
  const status = row.querySelector(".muted");
  row.dataset.outcome = "duplicate";
  status.textContent = [message("already-in-library"), status.textContent].filter(Boolean).join(" · ");
}

// Polls rows with pending analyses until they are done; the server returns only changed ones.
export class LiveRows {
  constructor(list, url, onRestored) {
    this.list = list;
    this.url = url;
    list.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { image } = event.target.closest("li").dataset;
      if (await this.restore(event.target)) onRestored(image);
    });
  }

  async poll() {
    if (this.isPolling) return;
    this.isPolling = true;
    for (let pending = this.pendingRows(); pending.length; pending = this.pendingRows()) {
      await wait();
      const rows = await fetchRows(this.url, pending.map((row) => `${row.dataset.image}-${row.dataset.version}`));
      rows.forEach((row) => this.replace(row));
    }
    this.isPolling = false;
  }

  // Restores a picture from the trash without leaving the page during other uploads. False if it stays in the trash.
  async restore(form) {
    const row = form.closest("li");
    await fetchFragment(form.action, { method: "POST", body: new FormData(form) });
    const [restored] = await fetchRows(this.url, [`${row.dataset.image}-`]);
    if (restored) this.replace(restored, row);
    else row.querySelector(".muted").textContent = message("not-restored");
    return Boolean(restored);
  }

  pendingRows() {
    return [...this.list.querySelectorAll("[data-pending]")].slice(-MAX_POLLED);
  }

  replace(row, old = this.list.querySelector(`[data-image="${row.dataset.image}"]`)) {
    if (!old) return;
    row.querySelector(".name a").textContent = old.querySelector(".name").textContent;
    row.querySelector("img").replaceWith(old.querySelector("img"));
    if (old.dataset.outcome !== "stored") markKnown(row);
    old.replaceWith(row);
  }
}

// Polls direct uploads by ticket, until a worker has checked them and there is a row.
export class AwaitedRows {
  constructor(url, onRow) {
    this.url = url;
    this.onRow = onRow;
    this.uploads = new Map();
  }

  get size() {
    return this.uploads.size;
  }

  add(ticket, upload) {
    this.uploads.set(ticket, upload);
    this.poll();
  }

  async poll() {
    if (this.isPolling) return;
    this.isPolling = true;
    while (this.uploads.size) {
      await wait();
      for (const row of await fetchRows(this.url, [...this.uploads.keys()].slice(0, MAX_POLLED))) {
        const upload = this.uploads.get(row.dataset.ticket);
        if (this.uploads.delete(row.dataset.ticket)) this.onRow(upload, row);
      }
    }
    this.isPolling = false;
  }
}
