// Zooms and moves a picture in its area, by wheel, pinch, double tap, buttons and keys. The frame changes its size instead
// of a scale transform, so that boxes keep thin lines and readable tags.
import { NUMBER } from "./messages.js";
import { SharpLayer } from "./sharp_layer.js";
import { fittedView, maximum, steps, within, zoomed } from "./zoom_geometry.js";
import { listenForGestures } from "./zoom_gestures.js";

const BUTTON_FACTOR = 1.5;
const KEY_PIXELS = 80;
const SETTLE_MILLISECONDS = 60;
const PAN_KEYS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

class PictureZoom extends HTMLElement {
  connectedCallback() {
    this.frame = this.querySelector(".image-frame");
    this.preview = this.querySelector(".preview");
    this.factor = 1;
    const { width, height, zoomUrl } = this.dataset;
    this.picture = { width: Number(width), height: Number(height), shownWidth: Number(this.querySelector(".boxes").getAttribute("width")) };
    this.sharp = zoomUrl ? new SharpLayer(this.frame, zoomUrl) : null;
    this.resize = new ResizeObserver(() => this.isZoomed && this.refit());
    this.resize.observe(this);
    listenForGestures(this, this);
    this.addEventListener("dragstart", (event) => event.preventDefault());
  }

  disconnectedCallback() {
    this.resize.disconnect();
    clearTimeout(this.timer);
  }

  get isZoomed() {
    return this.factor > 1;
  }

  get area() {
    return { width: this.clientWidth, height: this.clientHeight };
  }

  get center() {
    return { x: this.clientWidth / 2, y: this.clientHeight / 2 };
  }

  zoomAt(ratio, point) {
    this.zoomTo(this.factor * ratio, point);
  }

  zoomTo(factor, point = this.center) {
    const { area } = this;
    const fitted = fittedView(area, this.picture);
    const next = Math.min(Math.max(factor, 1), maximum(area, this.picture, devicePixelRatio));
    const view = zoomed(this.isZoomed ? this.view : fitted, fitted, next, point);
    this.factor = next < 1.01 ? 1 : next;
    this.render(within(view, area));
    this.announce();
  }

  // Announces the zoom factor and the visible part's center, in fractions of the picture, to a picture next to this one.
  announce() {
    const { x, y, width, height } = this.view;
    const detail = { factor: this.factor, across: (this.center.x - x) / width, down: (this.center.y - y) / height };
    this.dispatchEvent(new CustomEvent("zoom-change", { bubbles: true, detail }));
  }

  // Shows the same part at the same factor, whatever this picture's resolution.
  follow({ factor, across, down }) {
    const { area } = this;
    const fitted = fittedView(area, this.picture);
    const size = { width: fitted.width * factor, height: fitted.height * factor };
    this.factor = factor;
    this.render(within({ x: area.width / 2 - across * size.width, y: area.height / 2 - down * size.height, ...size }, area));
  }

  // Cycles through the whole picture, each larger step, and the whole picture again.
  toggleAt(point = this.center) {
    const next = steps(this.area, this.picture, devicePixelRatio).find((step) => step > this.factor * 1.02);
    this.zoomTo(next ?? 1, point);
  }

  zoomToActualSize() {
    this.zoomTo(this.picture.width / devicePixelRatio / fittedView(this.area, this.picture).width);
  }

  pan(across, down) {
    if (!this.isZoomed) return;
    this.render(within({ ...this.view, x: this.view.x + across, y: this.view.y + down }, this.area));
    this.announce();
  }

  // Keeps the same part in the center after the area changes, for example when a phone is turned or the panel closes.
  refit() {
    const { area } = this;
    const [x, y] = [(this.lastCenter.x - this.view.x) / this.view.width, (this.lastCenter.y - this.view.y) / this.view.height];
    const fitted = fittedView(area, this.picture);
    const size = { width: fitted.width * this.factor, height: fitted.height * this.factor };
    this.render(within({ x: area.width / 2 - x * size.width, y: area.height / 2 - y * size.height, ...size }, area));
  }

  render(view) {
    const { style } = this.frame;
    // The area would lose its height once the frame is taken out of the layout.
    if (this.isZoomed && !this.classList.contains("is-zoomed")) this.style.minHeight = `${this.offsetHeight}px`;
    this.classList.toggle("is-zoomed", this.isZoomed);
    if (!this.isZoomed) this.style.minHeight = "";
    style.width = this.isZoomed ? `${view.width}px` : "";
    style.height = this.isZoomed ? `${view.height}px` : "";
    style.translate = this.isZoomed ? `${view.x}px ${view.y}px` : "";
    this.view = view;
    this.lastCenter = this.center;
    this.renderLevel();
    clearTimeout(this.timer);
    if (!this.needsPixels()) return;
    this.sharp.prepare(); // in advance, while the picture still moves
    this.timer = setTimeout(() => this.sharp.show(this.view, this.area), SETTLE_MILLISECONDS);
  }

  renderLevel() {
    const percent = (100 * this.view.width * devicePixelRatio) / this.picture.width;
    this.querySelector("[data-zoom=actual]").textContent = `${NUMBER.format(Math.round(percent))}\u202f%`;
    for (const button of document.querySelectorAll(".image-toolbar [data-zoom=toggle]")) button.ariaPressed = String(this.isZoomed);
  }

  // True if the view has more pixels than the preview, and the picture can provide them.
  needsPixels() {
    const { naturalWidth } = this.preview;
    const isEnough = this.view.width * devicePixelRatio <= naturalWidth * 1.1 || naturalWidth >= this.picture.width;
    return this.isZoomed && this.sharp && !isEnough && !this.querySelector(".sensitive-cover:not([open])");
  }

  swipeBy(across) {
    this.frame.style.translate = across ? `${across}px 0` : "";
  }

  swipe(direction) {
    document.querySelector(`.neighbor-link.${direction > 0 ? "next" : "previous"}`)?.click();
  }
}

customElements.define("picture-zoom", PictureZoom);

const ACTIONS = {
  toggle: (zoom) => zoom.toggleAt(),
  in: (zoom) => zoom.zoomAt(BUTTON_FACTOR, zoom.center),
  out: (zoom) => zoom.zoomAt(1 / BUTTON_FACTOR, zoom.center),
  actual: (zoom) => zoom.zoomToActualSize(),
};

document.addEventListener("click", ({ target }) => {
  const action = target.closest?.("[data-zoom]")?.dataset.zoom;
  const zoom = target.closest?.("picture-zoom") ?? document.querySelector("picture-zoom");
  if (action && zoom) ACTIONS[action](zoom);
});

// Shift with an arrow key moves a zoomed picture; arrow keys alone lead to its neighbors.
document.addEventListener("keydown", (event) => {
  const zoom = document.querySelector("picture-zoom");
  const direction = event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey && PAN_KEYS[event.key];
  if (!direction || !zoom?.isZoomed || event.target.matches?.("input, textarea, select")) return;
  event.preventDefault();
  zoom.pan(direction[0] * KEY_PIXELS, direction[1] * KEY_PIXELS);
}, { capture: true });
