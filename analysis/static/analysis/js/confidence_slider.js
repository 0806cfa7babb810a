// A slider for the minimum confidence, with the number of rows it hides.
import { message } from "./messages.js";

class ConfidenceSlider extends HTMLElement {
  connectedCallback() {
    this.values = [];
    const label = document.createElement("label");
    label.textContent = message("confidence");
    label.htmlFor = "threshold";
    this.input = Object.assign(document.createElement("input"), { type: "range", id: "threshold", max: 100, step: 1 });
    this.input.value = this.input.min = 0;
    this.output = document.createElement("output");
    this.output.className = "count";
    this.note = document.createElement("p");
    this.note.className = "confidence-filter-note muted";
    this.note.setAttribute("role", "status");
    this.append(label, this.input, this.output, this.note);
    this.input.addEventListener("input", () => {
      this.render();
      this.dispatchEvent(new CustomEvent("confidence", { bubbles: true, detail: Number(this.input.value) }));
    });
  }

  // The scale starts at the lowest confidence, as there is nothing to hide below it.
  update(values) {
    const isAtStart = this.input.value === this.input.min;
    this.values = values;
    this.input.min = Math.min(50, ...values.map(Math.floor));
    if (isAtStart) this.input.value = this.input.min;
    this.hidden = !values.length;
    this.render();
  }

  render() {
    const minimum = Number(this.input.value);
    const hidden = this.values.filter((value) => value < minimum).length;
    const percent = `${minimum}\u202f%`;
    this.output.textContent = `≥ ${percent}`;
    this.note.textContent = hidden ? message("rows-hidden", { number: hidden, minimum: percent }) : message("no-rows-hidden");
  }
}

customElements.define("confidence-slider", ConfidenceSlider);
