// The library page: Back, focus after filtering, Alt-click to exclude, sensitive pictures.
import "./virtual_grid.js";
import "./load_previous.js";
import "./scroll_restore.js";
import "./density_switch.js";
import "./selection.js";
import "./new_images.js";
import "./timeline.js";
import "./request_errors.js";
import { pollCards } from "./library_refresh.js";

// The search field and its error are outside of the results, and follow them on Back.
function restoreSearch() {
  document.querySelector("#q").value = new URLSearchParams(location.search).get("q") ?? "";
  document.querySelector("#search-error").replaceChildren();
}
document.addEventListener("htmx:historyRestore", restoreSearch);
document.addEventListener("library-restored", restoreSearch);

// A filter chosen by keyboard keeps the focus when the filters are replaced; if it is gone, the focus moves to the results.
let focusedTitle = null;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { activeElement } = document;
  focusedTitle = detail.target.matches("#library, .facet-group *") && detail.target.contains(activeElement) ? activeElement.title || "?" : null;
});
document.addEventListener("htmx:afterSwap", () => {
  if (!focusedTitle || document.activeElement !== document.body) return;
  const facets = [...document.querySelectorAll("#library a.facet")];
  const same = facets.find((facet) => facet.title === focusedTitle && facet.checkVisibility());
  (same ?? document.querySelector("#main")).focus({ preventScroll: true });
  focusedTitle = null;
});

// Alt-click on a filter excludes it.
document.addEventListener("click", (event) => {
  const exclude = event.altKey && event.target.closest?.(".facet")?.parentElement.querySelector(".facet-exclude");
  if (!exclude) return;
  event.preventDefault();
  event.stopPropagation();
  exclude.click();
}, { capture: true });

// Restored cards whose analysis was pending are polled again.
document.addEventListener("cards-restored", ({ detail: { cards } }) => pollCards(cards));

// The first click reveals a sensitive picture, the next one opens it revealed. Without this script its page reveals it.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".card.is-blurred > a");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  link.parentElement.classList.remove("is-blurred");
  link.search += `${link.search ? "&" : "?"}shown=1`;
});
