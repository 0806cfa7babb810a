// The timeline next to the grid: years and months, each as high as its share of the pictures. A click, drag or key jumps to
// a month. Its entries are links; without this script the months page lists them.
import { fetchHtml } from "./fragments.js";

const LABEL_HEIGHT = 20; // pixels between two years
const TICK_HEIGHT = 6; // pixels between two months
const MIN_SHARE = 0.002; // share of a month with few pictures, so that the pointer can reach it
const HEADER_HEIGHT = 56;
const MONTHS_OF_KEY = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -Infinity, End: Infinity };

const loaded = new Map(); // entries by URL, so that searches opened again need not load them

// A jump shows its first pictures at the top. If only htmx scrolled there, in a later frame, that would look like scrolling up
// to the previous pictures, which would then be loaded.
document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  if (target?.id === "shown-pictures") scrollTo({ top: 0, behavior: "instant" });
});

class Timeline extends HTMLElement {
  async connectedCallback() {
    this.hidden = true;
    const { url } = this.dataset;
    if (!loaded.has(url)) {
      const html = await fetchHtml(url);
      if (html) loaded.set(url, html);
    }
    if (!this.isConnected || !loaded.has(url)) return;
    this.innerHTML = loaded.get(url);
    this.months = [...this.querySelectorAll("li")];
    if (this.months.length < 2) return;
    htmx.process(this);
    this.build();
    this.listen();
  }

  disconnectedCallback() {
    removeEventListener("scroll", this.scheduleUpdate);
    document.removeEventListener("htmx:beforeHistorySave", this.clear);
    document.removeEventListener("htmx:historyItemCreated", this.restore);
    document.removeEventListener("htmx:afterSwap", this.scheduleUpdate);
    this.resizes?.disconnect();
    cancelAnimationFrame(this.frame);
  }

  build() {
    this.role = "slider";
    this.tabIndex = 0;
    this.ariaOrientation = "vertical";
    this.ariaValueMin = 0;
    this.ariaValueMax = this.months.length - 1;
    this.computeStarts();
    this.handle = document.createElement("span");
    this.handle.className = "timeline-handle";
    this.bubble = document.createElement("span");
    this.bubble.className = "timeline-bubble";
    this.bubble.ariaHidden = "true";
    this.bubble.hidden = true;
    this.hidden = false;
    this.height = this.clientHeight;
    this.show(0);
  }

  // Where each month begins, from 0 to 1.
  computeStarts() {
    const weights = this.months.map((month) => Number(month.dataset.weight));
    const minimum = MIN_SHARE * weights.reduce((sum, weight) => sum + weight, 0);
    const heights = weights.map((weight) => Math.max(weight, minimum));
    const total = heights.reduce((sum, height) => sum + height, 0);
    let top = 0;
    this.starts = heights.map((height) => (top += height / total) - height / total);
  }

  listen() {
    this.scheduleUpdate = () => (this.frame ??= requestAnimationFrame(() => this.update()));
    addEventListener("scroll", this.scheduleUpdate, { passive: true });
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(this);
    // The CSP would refuse inline styles in a copy that htmx restores from its history. The link of the jump must stay.
    this.clear = () => this.querySelectorAll("span").forEach((mark) => mark.remove());
    this.restore = () => this.draw();
    document.addEventListener("htmx:beforeHistorySave", this.clear);
    document.addEventListener("htmx:historyItemCreated", this.restore);
    document.addEventListener("htmx:afterSwap", this.scheduleUpdate); // a jump from the top to the top scrolls nothing
    this.addEventListener("keydown", (event) => this.handleKey(event));
    this.addEventListener("pointerdown", (event) => this.handlePointer(event));
    this.addEventListener("pointermove", (event) => this.point(event));
    this.addEventListener("pointerup", (event) => this.release(event));
    for (const type of ["pointerleave", "blur"]) this.addEventListener(type, () => this.leave());
    this.addEventListener("pointercancel", () => this.cancel());
  }

  // Draws names of years and dots of months where there is room.
  draw() {
    const height = (this.height = this.clientHeight); // read once, as each reading while scrolling computes the layout again
    this.append(this.handle, this.bubble);
    this.querySelectorAll(".timeline-year, .timeline-tick").forEach((mark) => mark.remove());
    let [lastLabel, lastTick, lastYear] = [-Infinity, -Infinity, null];
    this.months.forEach(({ dataset: { year } }, index) => {
      const top = this.starts[index] * height;
      if (year && year !== lastYear && top - lastLabel >= LABEL_HEIGHT && top + LABEL_HEIGHT <= height) {
        this.mark("timeline-year", top, year);
        [lastLabel, lastTick] = [top, top + LABEL_HEIGHT - TICK_HEIGHT];
      } else if (top - lastTick >= TICK_HEIGHT && top - lastLabel >= LABEL_HEIGHT - TICK_HEIGHT) {
        this.mark("timeline-tick", top, "");
        lastTick = top;
      }
      lastYear = year;
    });
    this.show(this.index);
    this.update();
  }

  mark(className, top, text) {
    const mark = document.createElement("span");
    mark.className = className;
    mark.textContent = text;
    mark.style.top = `${top}px`;
    this.append(mark);
  }

  // Follows the first visible card.
  update() {
    this.frame = null;
    if (this.isDragged || !this.bubble.hidden) return;
    const month = document.querySelector("virtual-grid")?.firstVisibleCard()?.dataset.month;
    // The timeline of a search may lack this month; then the nearest one counts.
    const nearest = this.indexOf(month);
    const index = nearest < 0 ? this.months.length - 1 : nearest;
    if (month && index !== this.index) this.show(index);
  }

  indexOf(month) {
    const months = this.months.map(({ dataset }) => dataset.month);
    if (months.includes(month)) return months.indexOf(month);
    if (this.querySelector("ol").dataset.order === "latest") return months.findIndex((other) => other <= month);
    return months.findIndex((other) => other >= month);
  }

  show(index) {
    this.index = index;
    const name = this.months[index].textContent;
    const { pictures } = this.months[index].dataset;
    this.ariaValueNow = index;
    this.ariaValueText = name;
    this.bubble.textContent = pictures ? `${name} · ${pictures}` : name;
    const top = this.starts[index] * this.height;
    this.handle.style.top = `${top}px`;
    this.bubble.style.top = `${Math.min(Math.max(top, 16), this.height - 16)}px`;
  }

  open(index) {
    this.show(index);
    this.bubble.hidden = false;
  }

  leave() {
    if (this.isDragged) return;
    this.bubble.hidden = true;
    this.update();
  }

  // The system has taken over the drag, for example for a gesture of its own.
  cancel() {
    this.isDragged = false;
    this.leave();
  }

  jump() {
    this.bubble.hidden = true;
    this.months[this.index].querySelector("a").click();
  }

  handleKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const months = MONTHS_OF_KEY[event.key];
    const isJump = event.key === "Enter" || event.key === " ";
    if (event.key === "Escape") this.cancel();
    if (months === undefined && !isJump) return;
    event.preventDefault();
    if (isJump) this.jump();
    else this.open(Math.min(Math.max(this.index + months, 0), this.months.length - 1));
  }

  handlePointer(event) {
    if (event.button || event.target.closest("a")) return;
    event.preventDefault(); // so that no text is selected
    this.isDragged = true;
    this.setPointerCapture(event.pointerId);
    this.point(event);
  }

  point({ clientY }) {
    const { top, height } = this.getBoundingClientRect();
    const share = (clientY - top) / height;
    this.open(Math.max(0, this.starts.findLastIndex((start) => start <= share)));
  }

  release(event) {
    if (!this.isDragged) return;
    this.isDragged = false;
    this.point(event);
    this.jump();
  }
}

customElements.define("timeline-scrubber", Timeline);
