// Orders a collection by dragging, or by Shift with an arrow key, Home or End. The server gets the ids of the moved picture
// and of the one it is put before. Without this script each picture has two buttons.
import { NUMBER, message } from "./messages.js";
import { showMessage } from "./toasts.js";

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

class CollectionOrder extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector(".order-grid");
    this.status = document.querySelector("[data-order-status]");
    this.requests = Promise.resolve();
    for (const card of this.cards) card.draggable = true;
    this.addEventListener("dragstart", (event) => this.handleDragStart(event));
    this.addEventListener("dragover", (event) => this.handleDragOver(event));
    this.addEventListener("drop", (event) => event.preventDefault());
    this.addEventListener("dragend", () => this.handleDragEnd());
    this.addEventListener("keydown", (event) => this.handleKey(event));
    this.addEventListener("submit", (event) => this.handleSubmit(event));
  }

  get cards() {
    return [...this.list.children];
  }

  handleDragStart(event) {
    this.dragged = event.target.closest(".order-card");
    if (!this.dragged) return;
    this.next = this.dragged.nextElementSibling;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", this.dragged.dataset.id);
    this.dragged.classList.add("is-dragged");
  }

  handleDragOver(event) {
    const card = event.target.closest?.(".order-card");
    if (!this.dragged) return;
    event.preventDefault();
    if (!card || card === this.dragged) return;
    const { left, width } = card.getBoundingClientRect();
    if (event.clientX < left + width / 2) card.before(this.dragged);
    else card.after(this.dragged);
  }

  handleDragEnd() {
    const card = this.dragged;
    this.dragged = null;
    card?.classList.remove("is-dragged");
    if (card && card.nextElementSibling !== this.next) this.save(card);
  }

  handleKey(event) {
    const step = STEPS[event.key];
    const card = event.target.closest(".order-card");
    if (!step || !card || !event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.moveBy(card, step, event.target);
  }

  handleSubmit(event) {
    const [direction, id] = event.submitter?.value.split("-") ?? [];
    const card = this.cards.find((other) => other.dataset.id === id);
    const step = direction === "later" ? 1 : -1;
    // The server moves a picture to the previous or next page.
    if (!card || this.leavesPage(card, step)) return;
    event.preventDefault();
    this.moveBy(card, step, event.submitter);
  }

  leavesPage(card, step) {
    const { start, following } = this.dataset;
    return step < 0 ? !card.previousElementSibling && Number(start) > 0 : !card.nextElementSibling && Boolean(following);
  }

  moveBy(card, step, focused) {
    const cards = this.cards;
    const index = Math.min(Math.max(cards.indexOf(card) + step, 0), cards.length - 1);
    if (cards[index] === card) return;
    if (step > 0) cards[index].after(card);
    else cards[index].before(card);
    focused.focus();
    this.save(card);
  }

  // One request after another, since each names a neighbor that an earlier one may have moved.
  save(card) {
    this.renumber(card);
    const body = new FormData();
    body.set("csrfmiddlewaretoken", this.querySelector("[name=csrfmiddlewaretoken]").value);
    body.set("ids", card.dataset.id);
    const before = card.nextElementSibling?.dataset.id ?? this.dataset.following;
    if (before) body.set("before", before);
    this.requests = this.requests.then(() => this.send(body));
  }

  async send(body) {
    const response = await fetch(this.dataset.url, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
    if (response?.ok && !response.redirected) return;
    const refusal = response?.status === 409 ? (await response.json()).message : message(response ? "reload" : "unreachable-unchanged");
    showMessage(refusal);
  }

  renumber(moved) {
    const start = Number(this.dataset.start);
    this.cards.forEach((card, index) => (card.querySelector(".order-number").textContent = NUMBER.format(start + index + 1)));
    const position = moved.querySelector(".order-number").textContent;
    this.status.textContent = message("moved-to", { position, total: this.dataset.total });
  }
}

customElements.define("collection-order", CollectionOrder);
