// Boxes over a picture: highlighted together with their rows, filtered by confidence, with tags that do not overlap at the
// size of the picture on the screen. Without this script, tags stay where the server placed them.
import "./confidence_slider.js";

const TAG_HEIGHT = 20;
const tagWidths = new WeakMap();

class BoundingBoxes extends HTMLElement {
  connectedCallback() {
    this.toggle = this.querySelector("[data-viewer-option=boxes]");
    this.clearHighlight = () => this.highlight(null); // also the box under the pointer
    addEventListener("viewer-options", this.clearHighlight);
    for (const type of ["pointerover", "focusin"]) this.addEventListener(type, (event) => this.highlight(event.target));
    for (const type of ["pointerleave", "focusout"]) this.addEventListener(type, () => this.highlight(null));
    this.addEventListener("htmx:afterSettle", () => this.refresh());
    this.addEventListener("confidence", (event) => this.filter(event.detail));
    this.resize = new ResizeObserver(() => this.placeTags());
    this.resize.observe(this.querySelector(".image-frame"));
    this.minimum = 0;
    // After the elements inside are connected, too, which they are not yet when one picture replaces another.
    queueMicrotask(() => this.isConnected && this.refresh());
  }

  disconnectedCallback() {
    removeEventListener("viewer-options", this.clearHighlight);
    this.resize.disconnect();
  }

  get drawing() {
    return this.querySelector(".boxes");
  }

  refresh() {
    this.toggle.disabled = !this.drawing.children.length;
    const rows = [...this.querySelectorAll(".detection-row[data-confidence]")];
    this.querySelector("confidence-slider").update(rows.map((row) => Number(row.dataset.confidence)));
    this.filter(this.minimum);
  }

  filter(minimum) {
    this.minimum = minimum;
    for (const element of this.querySelectorAll("[data-confidence]")) {
      element.classList.toggle("is-filtered", Number(element.dataset.confidence) < minimum);
    }
    this.placeTags();
  }

  highlight(target) {
    const keys = target?.closest?.("[data-highlight]")?.dataset.highlight.split(" ") ?? [];
    for (const element of this.querySelectorAll("[data-highlight]")) {
      element.classList.toggle("is-highlighted", element.dataset.highlight.split(" ").some((key) => keys.includes(key)));
    }
  }

  // The same greedy placement as the server's, for the size on the screen.
  placeTags() {
    const matrix = this.drawing.getScreenCTM();
    if (!matrix?.a) return;
    const unit = 1 / matrix.a;
    const { width: across, height: down } = this.drawing.viewBox.baseVal;
    this.drawing.style.setProperty("--svg-unit", unit);
    const tags = [...this.drawing.querySelectorAll(".box-tag:not(.is-filtered)")];
    const boxes = [...this.drawing.querySelectorAll(".box:not(.is-filtered, .box-color-text)")];
    const sizes = tags.map((tag) => this.fitTag(tag));
    const placed = [];
    tags.forEach((tag, index) => {
      const box = boxes[index].getBBox();
      const size = { width: sizes[index] * unit, height: TAG_HEIGHT * unit };
      const clamp = (x, y) => ({
        x: Math.min(Math.max(x, 0), Math.max(across - size.width, 0)),
        y: Math.min(Math.max(y, 0), Math.max(down - size.height, 0)),
        ...size,
      });
      const candidates = tagPositions(box, size).map(([x, y]) => clamp(x, y));
      const costs = candidates.map((position) => placed.reduce((sum, other) => sum + overlap(position, other), 0));
      const best = candidates[costs.indexOf(Math.min(...costs))];
      placed.push(best);
      tag.setAttribute("transform", `translate(${best.x} ${best.y})`);
    });
  }

  // Measured once: while a picture is zoomed, its tags are placed again for each frame.
  fitTag(tag) {
    if (!tagWidths.has(tag)) {
      const length = tag.querySelector("text").getComputedTextLength();
      if (!length) return 0; // no layout yet
      tag.querySelector("rect").setAttribute("width", length + 10);
      tagWidths.set(tag, length + 10);
    }
    return tagWidths.get(tag);
  }
}

function tagPositions(box, size) {
  const right = box.x + box.width - size.width;
  const bottom = box.y + box.height;
  const steps = Array.from({ length: 11 }, (_, step) => [box.x, box.y + size.height * (step + 1)]);
  return [
    [box.x, box.y - size.height],
    [box.x, box.y],
    [right, box.y - size.height],
    [right, box.y],
    [box.x, bottom - size.height],
    [box.x, bottom],
    ...steps,
  ];
}

function overlap(one, other) {
  const across = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const down = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  return Math.max(across, 0) * Math.max(down, 0);
}

customElements.define("bounding-boxes", BoundingBoxes);
