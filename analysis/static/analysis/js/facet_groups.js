// Groups of filters: which are open is remembered; a field narrows a long group to the names that contain a text.
const KEY = "facet-groups";

const read = () => {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
};

customElements.define("facet-groups", class extends HTMLElement {
  connectedCallback() {
    const remembered = read();
    for (const group of this.querySelectorAll("[data-facet-group]")) {
      const isOpen = remembered[group.dataset.facetGroup];
      if (isOpen !== undefined && isOpen !== group.open) group.open = isOpen;
    }
    // Toggle does not bubble. It also follows from the lines above, which then save what is saved already.
    this.addEventListener("toggle", ({ target }) => this.#save(target), { capture: true });
    this.addEventListener("input", ({ target }) => {
      if (target.matches(".facet-filter")) this.#filter(target);
    });
    this.addEventListener("keydown", (event) => {
      // Enter would submit nothing and Escape would close the sheet before the text is gone.
      if (event.key === "Escape" && event.target.matches(".facet-filter") && event.target.value) {
        event.target.value = "";
        this.#filter(event.target);
        event.stopPropagation();
        event.preventDefault();
      }
    });
  }

  #save(group) {
    const name = group.dataset?.facetGroup;
    if (!name) return;
    try {
      localStorage.setItem(KEY, JSON.stringify({ ...read(), [name]: group.open }));
    } catch {
      // Private windows may refuse; then the groups open as the page says.
    }
  }

  #filter(field) {
    const text = field.value.trim().toLocaleLowerCase();
    for (const row of field.closest(".facet-group").querySelectorAll("li")) {
      row.hidden = !row.querySelector(".facet-name").textContent.toLocaleLowerCase().includes(text);
    }
  }
});
