// A slider for the minimum confidence; says how many rows it hides.
class ConfidenceSlider extends HTMLElement {
  connectedCallback() {
    this.values = [];
    const label = document.createElement("label");
    label.textContent = "Confidence";
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

  // The scale starts at the lowest confidence: there is nothing to hide below it.
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
    this.output.textContent = `≥ ${minimum}\u202f%`;
    this.note.textContent = hidden ? `${hidden} more below ${minimum}\u202f%` : "Everything found is shown";
  }
}

customElements.define("confidence-slider", ConfidenceSlider);
