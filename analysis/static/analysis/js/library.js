// The library: its menus, and what history keeps of it.
import "./grid.js";
import "./places.js";
import "./rowdensity.js";
import "./selection.js";
import "./unanswered.js";

// A menu that is a <details> closes when one clicks or tabs elsewhere, and on Escape.
const open = () => document.querySelectorAll("details[open]:has(> .menu)");

function closeOthers(event) {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
}

document.addEventListener("click", closeOthers);
document.addEventListener("focusin", closeOthers);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  }
});

// What lies outside of the results follows them on the way back through history.
function follow() {
  document.querySelector("#q").value = new URLSearchParams(location.search).get("q") ?? "";
  document.querySelector("#complaint").replaceChildren();
}
document.addEventListener("htmx:historyRestore", follow);
document.addEventListener("place-restored", follow);

document.addEventListener("htmx:beforeHistorySave", () => {
  for (const menu of open()) menu.open = false;
});

// A filter that was taken by keys keeps the focus when the filters come anew; where it is gone, one goes on at the results.
let held = null;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { activeElement } = document;
  held = detail.target.id === "shelf" && detail.target.contains(activeElement) ? activeElement.title || "?" : null;
});
document.addEventListener("htmx:afterSwap", () => {
  if (!held || document.activeElement !== document.body) return;
  const same = [...document.querySelectorAll("#shelf a.facet")].find((facet) => facet.title === held && facet.checkVisibility());
  (same ?? document.querySelector("#main")).focus({ preventScroll: true });
  held = null;
});

// Alt-click on a filter excludes what it names.
document.addEventListener("click", (event) => {
  const exclude = event.altKey && event.target.closest?.(".facet")?.parentElement.querySelector(".exclude");
  if (!exclude) return;
  event.preventDefault();
  event.stopPropagation();
  exclude.click();
}, { capture: true });

// Cards that come back while something is under way on them are asked about again.
document.addEventListener("cards-back", (event) => {
  const pulse = document.querySelector("#pulse[hx-get]");
  if (!pulse || !event.detail.cards.some((card) => card.querySelector("[name=card]"))) return;
  const fresh = pulse.cloneNode();
  pulse.replaceWith(fresh);
  htmx.process(fresh);
});

// A sensitive picture is shown by the first click on it, and opened by the next one, as it was seen here. Without this
// script it is its page that shows it.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".card.veiled > a");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  link.parentElement.classList.remove("veiled");
  link.search += `${link.search ? "&" : "?"}shown=1`;
});
