// Parts of the library that are rendered again after a change: cards, facets, the result line, or all of it.
import { fetchHtml, parseHtml } from "./fragments.js";

let reloads = Promise.resolve();

// One after another: each replaces the element that the previous one inserted, which htmx would look up too early.
export function reloadLibrary(url = location.pathname + location.search) {
  const reload = () => htmx.ajax("GET", url, { source: "#library", target: "#library", swap: "outerHTML" });
  return (reloads = reloads.then(reload).catch(() => {}));
}

// The present cards of these images, with facets and result line once nothing is pending; null on failure.
export async function fetchCards(url, query, ids) {
  const address = new URL(url, location); // with the saved search, if one is open
  address.searchParams.set("q", query);
  for (const id of ids) address.searchParams.append("card", `${id}-x`);
  const html = await fetchHtml(address);
  if (!html) return null;
  const content = parseHtml(html);
  // This script inserts them, not htmx.
  for (const element of content.querySelectorAll("[hx-swap-oob]")) element.removeAttribute("hx-swap-oob");
  return content;
}

// True if a filter has been clicked whose results are on their way. Without its link, htmx would update only a part of the
// page; and the results bring their own filters.
const isAwaited = (facets) => Boolean(facets?.querySelector(".htmx-request"));

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target } = event.detail;
  if (target.id === "facet-list" && isAwaited(target)) event.preventDefault();
});

export function replaceSummary(content) {
  const facets = content.querySelector("#facet-list");
  if (facets && !isAwaited(document.querySelector("#facet-list"))) {
    document.querySelector("#facet-list")?.replaceWith(facets);
    htmx.process(facets);
  }
  for (const id of ["result-line", "collection-count"]) {
    const count = content.querySelector(`#${id}`);
    if (count) document.getElementById(id)?.replaceWith(count);
    if (count?.dataset.total) updateSelectAll(count.dataset);
  }
}

function updateSelectAll({ total, selectAll }) {
  const selection = document.querySelector("image-selection");
  const button = selection?.querySelector("[data-select=all]");
  if (!button) return;
  selection.dataset.resultCount = total;
  button.textContent = selectAll;
}

// Restarts polling if one of these cards has a pending analysis.
export function pollCards(cards) {
  const template = document.querySelector("[data-poll-template]");
  if (!template || !cards.some((card) => card.querySelector("[name=card]"))) return;
  const poll = template.content.firstElementChild.cloneNode(true);
  document.querySelector("#poll").replaceWith(poll);
  htmx.process(poll);
}
