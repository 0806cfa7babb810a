// Boxes over a picture: shown or hidden, lit together with their rows, faded in by confidence, with tags that stand
// clear of each other at the size the picture has. Without this script they are there, as the server placed them.
const TAG_HEIGHT = 20;

class PictureBoxes extends HTMLElement {
  connectedCallback() {
    this.toggle = this.querySelector("[data-toggle-boxes]");
    this.toggle.addEventListener("click", () => this.show(this.toggle.getAttribute("aria-pressed") !== "true"));
    for (const type of ["pointerover", "focusin"]) this.addEventListener(type, (event) => this.light(event.target));
    for (const type of ["pointerleave", "focusout"]) this.addEventListener(type, () => this.light(null));
    this.addEventListener("htmx:afterSettle", () => this.refresh());
    this.addEventListener("confidence", (event) => this.filter(event.detail));
    this.resize = new ResizeObserver(() => this.place());
    this.resize.observe(this.querySelector(".frame"));
    this.least = 0;
    this.refresh();
    this.preload();
  }

  disconnectedCallback() {
    this.resize.disconnect();
  }

  get drawing() {
    return this.querySelector(".boxes");
  }

  refresh() {
    this.toggle.disabled = !this.drawing.children.length;
    const rows = [...this.querySelectorAll(".row[data-confidence]")];
    this.querySelector("confidence-slider").show(rows.map((row) => Number(row.dataset.confidence)));
    this.filter(this.least);
  }

  show(isShown) {
    this.toggle.setAttribute("aria-pressed", isShown);
    this.classList.toggle("without-boxes", !isShown);
    this.light(null); // the one under the pointer, too
  }

  filter(least) {
    this.least = least;
    for (const element of this.querySelectorAll("[data-confidence]")) {
      element.classList.toggle("off", Number(element.dataset.confidence) < least);
    }
    this.place();
  }

  light(target) {
    const keys = target?.closest?.("[data-keys]")?.dataset.keys.split(" ") ?? [];
    for (const element of this.querySelectorAll("[data-keys]")) {
      element.classList.toggle("lit", element.dataset.keys.split(" ").some((key) => keys.includes(key)));
    }
  }

  // The same greedy placement as analysis/web/image/bounding_boxes.py, for the size on the screen.
  place() {
    const matrix = this.drawing.getScreenCTM();
    if (!matrix?.a) return;
    const unit = 1 / matrix.a;
    const { width: across, height: down } = this.drawing.viewBox.baseVal;
    this.drawing.style.setProperty("--unit", unit);
    const tags = [...this.drawing.querySelectorAll(".tag:not(.off)")];
    const boxes = [...this.drawing.querySelectorAll(".box:not(.off, .tone-text)")];
    const sizes = tags.map((tag) => this.fit(tag));
    const placed = [];
    tags.forEach((tag, index) => {
      const box = boxes[index].getBBox();
      const size = { width: sizes[index] * unit, height: TAG_HEIGHT * unit };
      const inside = (x, y) => ({
        x: Math.min(Math.max(x, 0), Math.max(across - size.width, 0)),
        y: Math.min(Math.max(y, 0), Math.max(down - size.height, 0)),
        ...size,
      });
      const candidates = spots(box, size).map(([x, y]) => inside(x, y));
      const costs = candidates.map((spot) => placed.reduce((sum, other) => sum + overlap(spot, other), 0));
      const best = candidates[costs.indexOf(Math.min(...costs))];
      placed.push(best);
      tag.setAttribute("transform", `translate(${best.x} ${best.y})`);
    });
  }

  fit(tag) {
    const width = tag.querySelector("text").getComputedTextLength() + 10;
    tag.querySelector("rect").setAttribute("width", width);
    return width;
  }

  preload() {
    addEventListener("load", () => {
      for (const link of this.querySelectorAll("[data-preload]")) new Image().src = link.dataset.preload;
    });
  }
}

function spots(box, size) {
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

class ConfidenceSlider extends HTMLElement {
  connectedCallback() {
    this.values = [];
    const label = document.createElement("label");
    label.textContent = "Confidence";
    label.htmlFor = "threshold";
    this.input = Object.assign(document.createElement("input"), { type: "range", id: "threshold", max: 100, step: 1 });
    this.input.value = this.input.min = 0;
    this.number = document.createElement("output");
    this.number.className = "count";
    this.below = document.createElement("p");
    this.below.className = "below quiet";
    this.below.setAttribute("role", "status");
    this.append(label, this.input, this.number, this.below);
    this.input.addEventListener("input", () => {
      this.tell();
      this.dispatchEvent(new CustomEvent("confidence", { bubbles: true, detail: Number(this.input.value) }));
    });
  }

  // From the least sure on: below it there is nothing to hide.
  show(values) {
    const isAtStart = this.input.value === this.input.min;
    this.values = values;
    this.input.min = Math.min(50, ...values.map(Math.floor));
    if (isAtStart) this.input.value = this.input.min;
    this.hidden = !values.length;
    this.tell();
  }

  tell() {
    const least = Number(this.input.value);
    const hidden = this.values.filter((value) => value < least).length;
    this.number.textContent = `≥ ${least}\u202f%`;
    this.below.textContent = hidden ? `${hidden} more below ${least}\u202f%` : "Everything found is shown";
  }
}

customElements.define("confidence-slider", ConfidenceSlider);
customElements.define("picture-boxes", PictureBoxes);
