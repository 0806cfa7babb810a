// Menus made of <details>: Escape, or a focus or click elsewhere, closes them; their first field takes the focus.
const openMenus = () => document.querySelectorAll("details[open]:has(> .menu)");

function closeOthers({ target }) {
  for (const menu of openMenus()) if (!menu.contains(target)) menu.open = false;
}

// A press outside a menu or popover only closes it; the click that follows must not open the picture beneath.
let isDismissing = false;

document.addEventListener("pointerdown", ({ target }) => {
  const layers = [...openMenus(), ...document.querySelectorAll("[popover]:popover-open")];
  isDismissing = layers.length > 0 && !layers.some((layer) => layer.contains(target));
}, { capture: true });

document.addEventListener("click", (event) => {
  const { target } = event;
  const isOnContent = target.closest?.("a, .card") && !target.closest("button, input, summary, .toast");
  if (isDismissing && event.detail && isOnContent) {
    event.preventDefault();
    event.stopPropagation();
    closeOthers(event);
  }
  isDismissing = false;
}, { capture: true });

document.addEventListener("click", closeOthers);
document.addEventListener("focusin", closeOthers);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  }
});

document.addEventListener("toggle", ({ target, newState }) => {
  if (newState === "open" && target.matches?.("details:has(> .menu)")) target.querySelector("[data-autofocus]")?.focus();
}, { capture: true });

// Back must not show an open menu.
document.addEventListener("htmx:beforeHistorySave", () => {
  for (const menu of openMenus()) menu.open = false;
});
