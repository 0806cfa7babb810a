// Groups of filters: remembers which are open; in a long group, a field filters the names.
const KEY = "facet-groups";

const expanded = new Set(); // groups that show all their names, until the page is left

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
      if (expanded.has(group.dataset.facetGroup)) group.querySelector(".facet-more")?.setAttribute("open", "");
    }
    // Captured, since toggle does not bubble. The lines above trigger it as well, which only saves the same state again.
    this.addEventListener("toggle", ({ target }) => this.#save(target), { capture: true });
    // A group that is open from the start was opened before htmx listened, so htmx has not loaded its names.
    this.addEventListener("htmx:afterProcessNode", ({ target }) => {
      if (target.matches("[data-facet-group][hx-get][open]")) htmx.trigger(target, "toggle");
    });
    this.addEventListener("input", ({ target }) => {
      if (target.matches(".facet-filter")) this.#filter(target);
    });
    this.addEventListener("keydown", (event) => {
      // Escape clears the text first; otherwise it would close the sheet.
      if (event.key === "Escape" && event.target.matches(".facet-filter") && event.target.value) {
        event.target.value = "";
        this.#filter(event.target);
        event.stopPropagation();
        event.preventDefault();
      }
    });
  }

  #save(group) {
    if (group.matches(".facet-more")) {
      expanded[group.open ? "add" : "delete"](group.closest("[data-facet-group]").dataset.facetGroup);
      return;
    }
    const name = group.dataset?.facetGroup;
    if (!name) return;
    try {
      localStorage.setItem(KEY, JSON.stringify({ ...read(), [name]: group.open }));
    } catch {
      // Storage may be blocked; then groups are open as the server rendered them.
    }
  }

  #filter(field) {
    const text = field.value.trim().toLocaleLowerCase();
    for (const row of field.closest(".facet-group").querySelectorAll("li")) {
      row.hidden = !row.querySelector(".facet-name").textContent.toLocaleLowerCase().includes(text);
    }
  }
});
