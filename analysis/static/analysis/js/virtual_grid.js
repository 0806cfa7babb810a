// An endless grid in a document that stays small: rows far from the viewport are replaced by a spacer of exactly their
// height, and come back before it scrolls into view.
import { elementsOf, imageIdOf, isCard, ratioOf, restoreCards, serialize } from "./grid_cards.js";
import { CHUNK_SIZE, chunkRows, computeHeight, computeRows, distanceFromView, extentOf, lastRow, neighborOf, renderedChunks } from "./grid_layout.js";

const MAX_REMOVED_PER_FRAME = 2 * CHUNK_SIZE;
const MARGIN = 2_000; // pixels around the viewport in which all cards are in the document
const HEADER_HEIGHT = 56;

class VirtualGrid extends HTMLElement {
  connectedCallback() {
    this.grid = this.querySelector(".grid");
    // When htmx restores the page from its history, the cards behind spacers are lost.
    if (this.grid.querySelector(".grid-spacer")) return void location.reload();
    this.removed = new Map(); // spacer: serialized cards
    this.width = this.grid.clientWidth;
    this.cardCount = 0;
    this.scheduleUpdate = () => (this.frame ??= requestAnimationFrame(() => this.update()));
    this.hideLastRow();
    addEventListener("scroll", this.scheduleUpdate, { passive: true });
    this.resizes = new ResizeObserver(() => this.handleResize());
    this.resizes.observe(this.grid);
    this.mutations = new MutationObserver(this.scheduleUpdate);
    this.mutations.observe(this.grid, { childList: true });
    this.announce([...this.cards]); // the pictures of a jump may be selected, or not be analyzed yet
  }

  disconnectedCallback() {
    removeEventListener("scroll", this.scheduleUpdate);
    this.resizes?.disconnect();
    this.mutations?.disconnect();
    cancelAnimationFrame(this.frame);
  }

  get maxCards() {
    return Number(this.dataset.maxCards);
  }

  get cards() {
    return this.grid.querySelectorAll(":scope > .card");
  }

  update() {
    this.frame = null;
    const near = [...this.removed.keys()].filter((spacer) => distanceFromView(spacer.getBoundingClientRect()) < MARGIN);
    near.forEach((spacer) => this.replaceSpacer(spacer));
    this.hideLastRow();
    this.removeSurplus();
    if (!this.isPinned()) this.anchor = this.firstVisibleCard();
    this.anchorTop = this.anchor?.getBoundingClientRect().top;
  }

  // Cards are removed in a later frame than others are added: each needs a layout of all rows, and two make a long task.
  removeSurplus() {
    const { length } = this.cards;
    const waits = length > this.cardCount && length < 2 * this.maxCards;
    this.cardCount = length;
    if (length > this.maxCards && (waits || this.removeFarCards(MAX_REMOVED_PER_FRAME))) this.scheduleUpdate();
  }

  // After prepending, the anchor stays the same until the user scrolls; otherwise it would drift with each row break.
  isPinned() {
    return this.pinned && this.pinned === this.anchor && Math.abs(this.pinned.getBoundingClientRect().top - this.anchorTop) < 1;
  }

  // Hides the last row until it is full, since the next cards would move it.
  hideLastRow() {
    // Not that of the document: while htmx replaces a result, the previous one is still there.
    const row = this.parentElement.querySelector(":scope > #load-more") ? lastRow(this.grid) : [];
    for (const card of this.grid.querySelectorAll(".is-pending")) if (!row.includes(card)) card.classList.remove("is-pending");
    for (const card of row) card.classList.add("is-pending");
  }

  replaceSpacer(spacer) {
    const cards = restoreCards(this.removed.get(spacer));
    spacer.replaceWith(...cards);
    this.removed.delete(spacer);
    this.announce(cards.filter(isCard));
  }

  announce(cards) {
    this.dispatchEvent(new CustomEvent("cards-restored", { bubbles: true, detail: { cards } }));
  }

  // Ids of all loaded images, even if their cards are not in the document.
  imageIds() {
    const idsOf = (element) => this.removed.get(element)?.flatMap((item) => item.id ?? []) ?? (isCard(element) ? [imageIdOf(element)] : []);
    return [...this.grid.children].flatMap(idsOf);
  }

  // Returns the cards of these images to the document if they were removed from it.
  bringBack(imageIds) {
    const ids = new Set(imageIds);
    const spacers = [...this.removed].filter(([, items]) => items.some((item) => ids.has(item.id)));
    for (const [spacer] of spacers) this.replaceSpacer(spacer);
  }

  // Scrolls to the card of an image unless it is visible; false if it is not loaded.
  reveal(imageId) {
    this.bringBack([imageId]);
    const card = document.getElementById(`card-${imageId}`);
    if (!card) return false;
    const { top, bottom } = card.getBoundingClientRect();
    if (top < HEADER_HEIGHT || bottom > innerHeight) card.scrollIntoView({ block: "center" });
    card.querySelector("a").focus({ preventScroll: true, focusVisible: false });
    return true;
  }

  // Adds cards of new images at the start; the visible cards stay in place.
  prepend(cards) {
    this.pinned = this.anchor;
    this.grid.prepend(...cards);
    if (this.removed.size || scrollY > 0) this.relayout();
  }

  // Adds the previous page, and replaces the headings of the card that was first; the visible cards stay in place.
  prependPage(elements) {
    const first = this.grid.firstElementChild;
    if (this.removed.has(first)) this.replaceSpacer(first);
    const anchor = this.firstVisibleCard() ?? this.cards[0];
    const { top } = anchor.getBoundingClientRect();
    while (!isCard(this.grid.firstElementChild)) this.grid.firstElementChild.remove();
    this.grid.prepend(...elements);
    this.announce(elements.filter(isCard));
    if (this.removed.size) this.layoutAround(anchor);
    scrollBy({ top: anchor.getBoundingClientRect().top - top, behavior: "instant" });
    this.scheduleUpdate();
  }

  // Moves the focus to the next card in a direction; false if there is none.
  moveFocus(card, key) {
    const target = card ? neighborOf(card, key) : key === "ArrowRight" && (this.targetCard() ?? this.firstVisibleCard());
    target?.querySelector("a").focus({ preventScroll: true });
    target?.scrollIntoView({ block: "nearest" });
    return Boolean(target);
  }

  // The card that the URL names, while it is visible.
  targetCard() {
    const card = this.grid.querySelector(".card:target");
    return card && !distanceFromView(card.getBoundingClientRect()) ? card : null;
  }

  firstVisibleCard() {
    const { left } = this.grid.getBoundingClientRect();
    const card = document.elementFromPoint(left + 24, HEADER_HEIGHT + 72)?.closest(".card");
    if (card) return card;
    return [...this.cards].find((other) => other.getBoundingClientRect().bottom > HEADER_HEIGHT + 24);
  }

  // Measures everything before changing anything, so that the browser computes the layout only once.
  removeFarCards(count) {
    const chunks = renderedChunks(this.grid)
      .map((cards) => ({ cards, ...extentOf(cards) }))
      .filter((chunk) => distanceFromView(chunk) > MARGIN && !chunk.cards.some((card) => card.contains(document.activeElement)))
      .sort((one, other) => distanceFromView(other) - distanceFromView(one));
    for (const chunk of chunks) {
      if (count <= 0) break;
      count -= chunk.cards.length;
      chunk.cards[0].before(this.createSpacer(chunk.cards.map(serialize), chunk.bottom - chunk.top));
      chunk.cards.forEach((card) => card.remove());
    }
    return chunks.length > 0;
  }

  createSpacer(items, height) {
    const spacer = document.createElement("li");
    spacer.className = "grid-spacer";
    spacer.ariaHidden = "true";
    spacer.innerHTML = `<svg width="1" height="${height}"></svg>`; // the CSP would refuse an inline style when copied
    this.removed.set(spacer, items);
    return spacer;
  }

  handleResize() {
    if (this.grid.clientWidth === this.width) return;
    this.width = this.grid.clientWidth;
    this.relayout();
  }

  // Another width or size changes the row breaks: computes all rows again; the first visible card stays in place.
  relayout() {
    const { anchor, anchorTop } = this;
    if (this.removed.size) this.layoutAround(anchor);
    if (anchor?.isConnected && scrollY > 0) scrollBy(0, anchor.getBoundingClientRect().top - anchorTop);
    this.scheduleUpdate();
  }

  layoutAround(anchor) {
    const chunks = chunkRows(computeRows(this.grid, this.items()));
    const middle = Math.max(0, chunks.findIndex((chunk) => chunk.some((item) => item.card === anchor)));
    const range = Math.max(1, Math.floor((this.maxCards * 0.75) / CHUNK_SIZE / 2));
    this.removed.clear();
    const elements = chunks.flatMap((chunk, index) => {
      const isNear = Math.abs(index - middle) <= range || index === chunks.length - 1;
      if (isNear) return elementsOf(chunk);
      return this.createSpacer(chunk.map((item) => (item.card ? serialize(item.card) : item)), computeHeight(this.grid, computeRows(this.grid, chunk)));
    });
    this.grid.replaceChildren(...elements);
    this.announce(elements.filter(isCard));
  }

  // All loaded items: cards in the document, and the others as serialized.
  items() {
    return [...this.grid.children].flatMap((element) => this.removed.get(element) ?? [{ card: element, ratio: ratioOf(element) }]);
  }
}

customElements.define("virtual-grid", VirtualGrid);
