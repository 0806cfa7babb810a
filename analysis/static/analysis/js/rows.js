// Rows of uploaded files, made by the server.
const PAUSE = 500;
const AT_ONCE = 60;

export function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.querySelectorAll("li[data-outcome]")];
}

// The server tells a row as it is now, not that its picture was here before.
function stillKnown(row) {
  const words = row.querySelector(".quiet");
  row.dataset.outcome = "known";
  words.textContent = ["Already here", words.textContent].filter(Boolean).join(" · ");
}

// Rows whose pictures are under way ask until the server says that they are done; only those that changed come back.
export class LiveRows {
  constructor(list, url, onRestored) {
    this.list = list;
    this.url = url;
    list.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await this.restore(event.target)) onRestored();
    });
  }

  async poll() {
    if (this.isPolling) return;
    this.isPolling = true;
    for (let open = this.open(); open.length; open = this.open()) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      const asked = new URLSearchParams(open.map((row) => ["id", `${row.dataset.image}-${row.dataset.version}`]));
      const answer = await fetch(`${this.url}?${asked}`, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (answer?.ok && !answer.redirected) parsed(await answer.text()).forEach((row) => this.renew(row));
    }
    this.isPolling = false;
  }

  // Out of the trash without leaving a page on which other files are under way. False if it stays there.
  async restore(form) {
    const row = form.closest("li");
    const headers = { "HX-Request": "true" };
    await fetch(form.action, { method: "POST", body: new FormData(form), headers }).catch(() => null);
    const answer = await fetch(`${this.url}?id=${row.dataset.image}-`, { headers }).catch(() => null);
    const [renewed] = answer?.ok && !answer.redirected ? parsed(await answer.text()) : [];
    if (renewed) this.renew(renewed, row);
    else row.querySelector(".quiet").textContent = "It stays in the trash: its page says why";
    return Boolean(renewed);
  }

  open() {
    return [...this.list.querySelectorAll("[data-open]")].slice(-AT_ONCE);
  }

  renew(row, old = this.list.querySelector(`[data-image="${row.dataset.image}"]`)) {
    if (!old) return;
    row.querySelector(".name a").textContent = old.querySelector(".name").textContent;
    row.querySelector("img").replaceWith(old.querySelector("img"));
    if (old.dataset.outcome !== "stored") stillKnown(row);
    old.replaceWith(row);
  }
}

// Files that went past the web server, each under its ticket, until a worker has looked at them and there is a row.
export class AwaitedRows {
  constructor(url, onRow) {
    this.url = url;
    this.onRow = onRow;
    this.items = new Map();
  }

  get size() {
    return this.items.size;
  }

  add(ticket, item) {
    this.items.set(ticket, item);
    this.poll();
  }

  async poll() {
    if (this.isPolling) return;
    this.isPolling = true;
    while (this.items.size) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      const asked = new URLSearchParams([...this.items.keys()].slice(0, AT_ONCE).map((ticket) => ["id", ticket]));
      const answer = await fetch(`${this.url}?${asked}`, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (!answer?.ok || answer.redirected) continue;
      for (const row of parsed(await answer.text())) {
        const item = this.items.get(row.dataset.ticket);
        if (this.items.delete(row.dataset.ticket)) this.onRow(item, row);
      }
    }
    this.isPolling = false;
  }
}
