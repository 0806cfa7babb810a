// What is selected, and what is done to it. Ids are kept here, since cards leave the document; all results of a search
// are kept as the search. Without this script the same form sends the checkboxes themselves.
import { NUMBER, message } from "./messages.js";
import { say, show } from "./toasts.js";
import { signsIn } from "./unanswered.js";

const MOST_REFRESHED = 200; // more than these are shown anew together
const idOf = (card) => card.id.slice("card-".length);

class PictureSelection extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("#bulk");
    if (!this.form) return;
    this.ids = new Set();
    this.isAll = false;
    this.sent = new Map(); // what has no answer yet
    this.asked = 0;
    this.rows = this.querySelector("bounded-rows");
    this.addEventListener("click", (event) => this.clicked(event));
    this.addEventListener("cards-back", (event) => event.detail.cards.forEach((card) => this.mark(card)));
    this.form.addEventListener("submit", (event) => this.submitted(event));
    this.form.addEventListener("formdata", ({ formData }) => this.fill(formData));
    this.form.addEventListener("toggle", (event) => this.opened(event), { capture: true });
    this.keys = (event) => this.pressed(event);
    document.addEventListener("keydown", this.keys);
    // The browser may have kept checks on the way back.
    this.querySelectorAll(".pick:checked").forEach((pick) => this.ids.add(pick.value));
    this.update();
  }

  disconnectedCallback() {
    if (this.keys) document.removeEventListener("keydown", this.keys);
  }

  clicked(event) {
    const action = event.target.closest("[data-select]")?.dataset.select;
    if (action === "all") return this.takeAll();
    if (action === "none") return this.clear();
    const card = event.target.closest(".card");
    if (!card) return;
    const isPick = event.target.matches(".pick");
    const isSelecting = event.shiftKey || (this.number && !event.ctrlKey && !event.metaKey);
    if (!isPick && !isSelecting) return;
    if (!isPick) event.preventDefault();
    this.choose(card, { isOn: isPick ? event.target.checked : !this.ids.has(idOf(card)), isRange: event.shiftKey });
    getSelection().removeAllRanges();
  }

  get number() {
    return this.ids.size;
  }

  choose(card, { isOn, isRange }) {
    const id = idOf(card);
    this.isAll = false;
    const order = isRange && this.last ? this.rows.order() : [];
    const [from, to] = [order.indexOf(this.last), order.indexOf(id)].sort((one, other) => one - other);
    const meant = isRange && from >= 0 ? order.slice(from, to + 1) : [id];
    for (const each of meant) if (isOn || meant.length > 1) this.ids.add(each);
    else this.ids.delete(each);
    this.last = id;
    this.update();
  }

  takeLoaded() {
    this.rows.order().forEach((id) => this.ids.add(id));
    this.update();
  }

  takeAll() {
    this.isAll = true;
    this.takeLoaded();
  }

  clear() {
    this.ids.clear();
    this.isAll = false;
    this.update();
    const menu = this.form.querySelector("details[open]");
    if (menu) menu.open = false;
  }

  mark(card) {
    const pick = card.querySelector(".pick");
    if (pick) pick.checked = this.ids.has(pick.value);
  }

  update() {
    this.querySelectorAll(".card").forEach((card) => this.mark(card));
    this.toggleAttribute("data-selecting", this.number > 0);
    const { total } = this.dataset;
    this.form.querySelector("[data-number]").textContent = this.isAll ? message("all-selected", { total }) : message("selected", { number: this.number });
    const all = this.form.querySelector("[data-select=all]");
    all.hidden = this.isAll || total === NUMBER.format(this.number);
    this.form.querySelector("details[open]")?.dispatchEvent(new Event("toggle"));
  }

  body(submitter) {
    return new FormData(this.form, submitter);
  }

  // Also of what the browser sends by itself: cards that left the page are still chosen.
  fill(body) {
    body.delete("id");
    if (this.isAll) body.set("all", "1");
    else body.set("ids", [...this.ids].join(","));
  }

  async submitted(event) {
    const { submitter } = event;
    if (submitter?.hasAttribute("data-leaves")) return;
    event.preventDefault();
    await this.send(submitter?.getAttribute("formaction") ?? this.form.action, this.body(submitter));
    this.form.querySelectorAll("details[open]").forEach((menu) => this.close(menu));
    this.form.querySelectorAll(".typed input").forEach((input) => (input.value = ""));
  }

  // What had the focus in it gives it back to what opened it.
  close(menu) {
    const held = menu.contains(document.activeElement);
    menu.open = false;
    if (held) menu.querySelector("summary").focus();
  }

  // One after another; the same once more, before there is an answer, is a second click and would take the first one's
  // Undo away.
  send(url, body) {
    const said = `${url}?${new URLSearchParams(body)}`;
    if (!this.sent.has(said)) {
      const before = [...this.sent.values()].at(-1);
      this.sent.set(said, this.sendAfter(before, url, body).finally(() => this.sent.delete(said)));
    }
    return this.sent.get(said);
  }

  async sendAfter(before, url, body) {
    await before?.catch(() => {});
    this.toggleAttribute("data-sending", true);
    const ids = body.has("all") ? null : body.get("ids").split(",");
    try {
      const toasts = await posted(url, body);
      if (toasts) show(...toasts);
      if (toasts) await (this.isConnected ? this.refresh(ids) : reload());
    } finally {
      this.toggleAttribute("data-sending", false);
    }
  }

  // What changed is shown as it is now; what is not here any more leaves.
  async refresh(ids) {
    if (!ids || ids.length > MOST_REFRESHED || this.form.querySelector("[formaction*=restore]")) return reload();
    const asked = new URLSearchParams([["q", this.form.elements.q.value], ...ids.map((id) => ["card", `${id}-x`])]);
    const answer = await fetch(`${this.dataset.cardsUrl}?${asked}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    const html = answer?.ok && !answer.redirected && (await answer.text());
    // Another search has taken the place of this one, and its filters and numbers are not to be replaced by ours.
    if (!html || !this.isConnected) return reload();
    const template = document.createElement("template");
    template.innerHTML = html;
    const held = document.activeElement?.closest?.(".card")?.id;
    for (const id of ids) {
      const fresh = template.content.querySelector(`#card-${id}`);
      fresh?.removeAttribute("hx-swap-oob");
      const old = this.querySelector(`#card-${id}`);
      if (fresh && old) old.replaceWith(fresh);
      else if (old) this.leave(old);
    }
    document.getElementById(held)?.querySelector("a").focus();
    const facets = template.content.querySelector("#facet-list");
    if (facets) {
      facets.removeAttribute("hx-swap-oob");
      document.querySelector("#facet-list").replaceWith(facets);
      htmx.process(facets);
    }
    const line = template.content.querySelector("#result-line");
    if (line) document.querySelector("#result-line").replaceWith(line);
    this.update();
  }

  leave(card) {
    this.ids.delete(idOf(card));
    const next = card.nextElementSibling ?? card.previousElementSibling;
    if (card.contains(document.activeElement)) next?.querySelector("a")?.focus();
    card.remove();
    if (!this.querySelector(".card")) reload();
  }

  async opened(event) {
    const place = event.target.querySelector?.(".carried");
    if (!event.target.open || !place) return;
    const number = ++this.asked;
    const answer = await fetch(place.dataset.url, {
      method: "POST", body: this.body(), headers: { "HX-Request": "true" },
    }).catch(() => null);
    const html = answer?.ok && !answer.redirected && (await answer.text());
    if (html && number === this.asked) place.innerHTML = html; // else it is of what was selected before
  }

  pressed(event) {
    if (event.defaultPrevented || event.altKey || event.repeat && event.key !== "x" && !event.key.startsWith("Arrow")) return;
    if (document.querySelector("dialog[open], [popover]:popover-open, details[open] > .menu")) return;
    if (event.target.matches("textarea, select, [contenteditable], input:not(.pick)")) return;
    const card = document.activeElement?.closest(".card");
    const done = event.ctrlKey || event.metaKey ? this.pressedWithControl(event) : this.pressedAlone(event, card);
    if (done) event.preventDefault();
  }

  pressedWithControl(event) {
    if (event.key.toLowerCase() !== "a" || event.shiftKey) return false;
    this.takeLoaded();
    return true;
  }

  pressedAlone(event, card) {
    if (event.key.startsWith("Arrow")) return this.rows.step(card, event.key);
    if (event.key === "Escape" && this.number) return this.clear() ?? true;
    if (event.key.toLowerCase() === "x" && card) {
      this.choose(card, { isOn: !this.ids.has(idOf(card)), isRange: event.shiftKey });
      return true;
    }
    if (event.key === "f") return this.actOn(card, "favorite");
    if (event.key === "Delete") return this.actOn(card, "trash");
    return false;
  }

  // On what is selected, else on the card that has the focus.
  actOn(card, action) {
    const button = this.form.querySelector(`button[formaction$="/${action}/"]`);
    if (!button || !(this.number || card)) return false;
    const body = this.body(button);
    if (!this.number) body.set("ids", idOf(card));
    if (action === "favorite" && !this.number && card.querySelector(".badge.favorite")) body.set("favorite", "0");
    this.send(button.getAttribute("formaction"), body);
    return true;
  }
}

async function posted(url, body) {
  const answer = await fetch(url, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.redirected && signsIn(answer.url)) return null;
  if (!answer?.ok || answer.redirected) {
    say(message(answer ? "reload" : "unreachable-bulk"));
    return null;
  }
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  return [...template.content.querySelectorAll(".toast")];
}

// One after another: each replaces the shelf that the one before put there, which htmx would look for too early.
let reloaded = Promise.resolve();

function reload() {
  const again = () =>
    htmx.ajax("GET", location.pathname + location.search, { source: "#shelf", target: "#shelf", swap: "outerHTML" });
  return (reloaded = reloaded.then(again).catch(() => {}));
}

// What went on in the background is over: its pictures are shown as they are now.
document.addEventListener("htmx:load", ({ detail: { elt } }) => elt.matches?.(".toast[data-end]") && reload());

// Undo, where the page can be kept.
document.addEventListener("submit", async (event) => {
  if (!event.target.matches(".toast form")) return;
  event.preventDefault();
  const toasts = await posted(event.target.action, new FormData(event.target));
  if (!toasts) return;
  show(...toasts);
  await reload();
});

customElements.define("picture-selection", PictureSelection);
