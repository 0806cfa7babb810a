// The switch between three thumbnail sizes. A saved search has its own size; it is applied, but not remembered.
const MEDIUM = "medium";

class DensitySwitch extends HTMLElement {
  connectedCallback() {
    const { savedDensity } = this.dataset;
    if (savedDensity) document.documentElement.dataset.density = savedDensity;
    this.render(savedDensity || document.documentElement.dataset.density || MEDIUM);
    this.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.select(button.value);
    });
  }

  select(density) {
    document.documentElement.dataset.density = density;
    try {
      localStorage.setItem("density", density);
    } catch {
      // It is applied all the same.
    }
    this.render(density);
    document.querySelector("virtual-grid")?.relayout();
  }

  render(density) {
    for (const button of this.querySelectorAll("button")) button.ariaPressed = String(button.value === density);
    const field = document.querySelector(".save-search [name=density]");
    if (field) field.value = density;
  }
}

customElements.define("density-switch", DensitySwitch);
