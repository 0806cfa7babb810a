// Rows of pictures without end in a document with one: rows far from what is seen leave it, a gap exactly as high in
// their place, and come back before one arrives.
const CHUNK = 60; // cards that leave and come back together, in whole rows
const AT_ONCE = 2 * CHUNK; // cards that leave in one frame
const REACH = 2_000; // pixels around what is seen where everything is there
const HEADER = 56; // pixels that the page's header covers
const ratios = new Map();

function ratioOf(card) {
  const name = card.classList[1];
  if (!ratios.has(name)) ratios.set(name, Number(getComputedStyle(card).getPropertyValue("--ratio")) || 1.5);
  return ratios.get(name);
}

const idOf = (card) => card.id.slice("card-".length);
const kept = (card) => ({ id: idOf(card), ratio: ratioOf(card), html: card.outerHTML });
const forgotten = (each) => (each.card ? kept(each.card) : each);

function parsed(cards) {
  const template = document.createElement("template");
  template.innerHTML = cards.map((card) => card.html).join("");
  return [...template.content.children];
}

// Parsed together where they lie together.
function cardsOf(chunk) {
  const back = parsed(chunk.filter((each) => !each.card));
  return chunk.map((each) => each.card ?? back.shift());
}

const distance = (box) => Math.max(box.top - innerHeight, -box.bottom, 0);

class BoundedRows extends HTMLElement {
  connectedCallback() {
    this.grid = this.querySelector(".grid");
    // A page of htmx's history has gaps of which nobody knows any more what was there.
    if (this.grid.querySelector(".gap")) return void location.reload();
    this.gone = new Map(); // what was in each gap
    this.width = this.grid.clientWidth;
    this.look = () => (this.frame ??= requestAnimationFrame(() => this.keep()));
    this.hold();
    addEventListener("scroll", this.look, { passive: true });
    this.watch = new ResizeObserver(() => this.resized());
    this.watch.observe(this.grid);
    this.changes = new MutationObserver(this.look);
    this.changes.observe(this.grid, { childList: true });
  }

  disconnectedCallback() {
    removeEventListener("scroll", this.look);
    this.watch?.disconnect();
    this.changes?.disconnect();
    cancelAnimationFrame(this.frame);
  }

  get most() {
    return Number(this.dataset.most);
  }

  get cards() {
    return this.grid.querySelectorAll(":scope > .card");
  }

  keep() {
    this.frame = null;
    const near = [...this.gone.keys()].filter((gap) => distance(gap.getBoundingClientRect()) < REACH);
    near.forEach((gap) => this.bringBack(gap));
    this.hold();
    const number = this.cards.length;
    if (number > this.most && this.drop(AT_ONCE)) this.look();
    this.seen = this.firstSeen();
    this.top = this.seen?.getBoundingClientRect().top;
  }

  // The last row is not shown before it is full: what comes would move it under one's eyes.
  hold() {
    const row = document.querySelector("#more") ? lastRow(this.grid) : [];
    for (const card of this.grid.querySelectorAll(".held")) if (!row.includes(card)) card.classList.remove("held");
    for (const card of row) card.classList.add("held");
  }

  bringBack(gap) {
    const cards = parsed(this.gone.get(gap));
    gap.replaceWith(...cards);
    this.gone.delete(gap);
    this.dispatchEvent(new CustomEvent("cards-back", { bubbles: true, detail: { cards } }));
  }

  // The ids of all that is loaded, whether it is in the document or not.
  order() {
    const ids = (element) => this.gone.get(element)?.map((card) => card.id) ?? (element.matches(".card") ? [idOf(element)] : []);
    return [...this.grid.children].flatMap(ids);
  }

  // Moves the focus from card to card; answers whether there was somewhere to go.
  step(card, key) {
    const target = card ? neighbor(card, key) : key === "ArrowRight" && (this.cameFrom() ?? this.firstSeen());
    target?.querySelector("a").focus({ preventScroll: true });
    target?.scrollIntoView({ block: "nearest" });
    return Boolean(target);
  }

  // The picture that one was at, as long as it is seen.
  cameFrom() {
    const card = this.grid.querySelector(".card:target");
    return card && !distance(card.getBoundingClientRect()) ? card : null;
  }

  firstSeen() {
    const { left } = this.grid.getBoundingClientRect();
    const under = document.elementFromPoint(left + 24, HEADER + 72)?.closest(".card");
    if (under) return under;
    return [...this.cards].find((card) => card.getBoundingClientRect().bottom > HEADER + 24);
  }

  // Everything is measured before anything is changed.
  drop(number) {
    const chunks = this.chunks()
      .map((cards) => ({ cards, ...extent(cards) }))
      .filter((chunk) => distance(chunk) > REACH && !chunk.cards.some((card) => card.contains(document.activeElement)))
      .sort((one, other) => distance(other) - distance(one));
    for (const chunk of chunks) {
      if (number <= 0) break;
      number -= chunk.cards.length;
      chunk.cards[0].before(this.gap(chunk.cards.map(kept), chunk.bottom - chunk.top));
      chunk.cards.forEach((card) => card.remove());
    }
    return chunks.length > 0;
  }

  gap(cards, height) {
    const gap = document.createElement("li");
    gap.className = "gap";
    gap.ariaHidden = "true";
    gap.innerHTML = `<svg width="1" height="${height}"></svg>`; // an inline style would offend the policy when copied
    this.gone.set(gap, cards);
    return gap;
  }

  // Runs of whole rows. The last row is none of them: it may not be full yet.
  chunks() {
    const runs = [[]];
    let top = null;
    for (const element of this.grid.children) {
      const isGap = element.classList.contains("gap");
      const starts = isGap || element.offsetTop !== top;
      top = isGap ? null : element.offsetTop;
      if (isGap) runs.push([]);
      else if (starts) runs.at(-1).push([element]);
      else runs.at(-1).at(-1).push(element);
    }
    runs.at(-1).pop();
    return runs.flatMap(gathered);
  }

  // Other widths break rows elsewhere, so all of them are laid out again by arithmetic, around what was seen.
  resized() {
    if (this.grid.clientWidth === this.width) return;
    this.width = this.grid.clientWidth;
    this.layOut();
  }

  // Also when pictures are shown larger or smaller.
  layOut() {
    const { seen, top } = this;
    if (this.gone.size) this.layOutAround(seen);
    if (seen?.isConnected && scrollY > 0) scrollBy(0, seen.getBoundingClientRect().top - top);
    this.look();
  }

  layOutAround(seen) {
    const chunks = gathered(this.rowsOf(this.everything()));
    const middle = Math.max(0, chunks.findIndex((chunk) => chunk.some((each) => each.card === seen)));
    const around = Math.max(1, Math.floor((this.most * 0.75) / CHUNK / 2));
    this.gone.clear();
    const shown = chunks.flatMap((chunk, number) => {
      const isNear = Math.abs(number - middle) <= around || number === chunks.length - 1;
      return isNear ? cardsOf(chunk) : this.gap(chunk.map(forgotten), this.heightOf(this.rowsOf(chunk)));
    });
    this.grid.replaceChildren(...shown);
    this.dispatchEvent(new CustomEvent("cards-back", { bubbles: true, detail: { cards: shown.filter((each) => each.matches(".card")) } }));
  }

  // All that is loaded: cards that are here as they are, the others as they were kept.
  everything() {
    return [...this.grid.children].flatMap((element) => this.gone.get(element) ?? [{ card: element, ratio: ratioOf(element) }]);
  }

  get measures() {
    const style = getComputedStyle(this.grid);
    return { row: parseFloat(style.getPropertyValue("--row")), space: parseFloat(style.columnGap) };
  }

  rowsOf(all) {
    const { row, space } = this.measures;
    const rows = [];
    let filled = Infinity;
    for (const each of all) {
      const width = Math.min(each.ratio * row, this.width);
      filled += space + width;
      if (filled > this.width) {
        rows.push([]);
        filled = width;
      }
      rows.at(-1).push(each);
    }
    return rows;
  }

  heightOf(rows) {
    const { space } = this.measures;
    const heights = rows.map((row) => (this.width - space * (row.length - 1)) / row.reduce((sum, each) => sum + each.ratio, 0));
    return heights.reduce((sum, height) => sum + height + space, -space);
  }
}

function lastRow(grid) {
  const row = [];
  const top = grid.lastElementChild?.offsetTop;
  for (let card = grid.lastElementChild; card?.matches(".card") && card.offsetTop === top; card = card.previousElementSibling) row.push(card);
  return row;
}

function neighbor(card, key) {
  const way = key === "ArrowRight" || key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling";
  let found = card[way];
  if (key === "ArrowUp" || key === "ArrowDown") {
    const { offsetTop, offsetLeft, offsetWidth } = card;
    const off = (other) => Math.abs(other.offsetLeft + other.offsetWidth / 2 - offsetLeft - offsetWidth / 2);
    while (found && found.offsetTop === offsetTop) found = found[way];
    const row = found?.offsetTop;
    for (let other = found; other && other.offsetTop === row; other = other[way]) if (off(other) < off(found)) found = other;
  }
  return found?.matches(".card") ? found : null;
}

function gathered(rows) {
  const chunks = [];
  for (const row of rows) {
    if (!chunks.length || chunks.at(-1).length >= CHUNK) chunks.push([]);
    chunks.at(-1).push(...row);
  }
  return chunks;
}

function extent(cards) {
  return { top: cards[0].getBoundingClientRect().top, bottom: cards.at(-1).getBoundingClientRect().bottom };
}

customElements.define("bounded-rows", BoundedRows);
