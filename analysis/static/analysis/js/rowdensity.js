// The three sizes of pictures to choose from. A saved search has its own; it is shown, and not remembered.
const MEDIUM = "medium";

class RowDensity extends HTMLElement {
  connectedCallback() {
    const { kept } = this.dataset;
    if (kept) document.documentElement.dataset.density = kept;
    this.show(kept || document.documentElement.dataset.density || MEDIUM);
    this.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.choose(button.value);
    });
  }

  choose(density) {
    document.documentElement.dataset.density = density;
    try {
      localStorage.setItem("density", density);
    } catch {
      // It is shown all the same.
    }
    this.show(density);
    document.querySelector("bounded-rows")?.layOut();
  }

  show(density) {
    for (const button of this.querySelectorAll("button")) button.ariaPressed = String(button.value === density);
    const field = document.querySelector(".save [name=density]");
    if (field) field.value = density;
  }
}

customElements.define("row-density", RowDensity);
