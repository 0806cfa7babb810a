// Makes Back return to the same place: the URL follows what is shown, and for long pages the history stores the URL and the
// scroll position instead of a copy of the page.
const MAX_COPIED_CARDS = 300;
const MAX_CARDS_FROM_START = 1_200; // a URL can restore this many cards from the start
const HTMX_PATH = "htmx-current-path-for-history";

const grid = () => document.querySelector("virtual-grid");

const queryOf = (url) => new URL(url, location).searchParams.get("q") ?? "";

export function replaceUrl(url) {
  history.replaceState(history.state ?? { htmx: true }, "", url);
  sessionStorage.setItem(HTMX_PATH, url.split("#")[0]);
}

// Cards requested by a page that has been replaced must not be added to its replacement.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { elt } = detail.requestConfig ?? detail;
  if (elt?.id !== "load-more") return;
  const url = detail.xhr.getResponseHeader("X-Address");
  if (!elt.isConnected || queryOf(elt.getAttribute("hx-get")) !== queryOf(location)) detail.shouldSwap = false;
  else if (url) replaceUrl(url);
});

// Too far down for a range from the start, the URL names the first visible picture.
function savePosition() {
  const loaded = grid()?.imageIds().length ?? 0;
  const card = loaded > MAX_CARDS_FROM_START && grid().firstVisibleCard();
  if (!card) return;
  const parameters = new URLSearchParams(location.search);
  for (const name of ["pages", "after", "before"]) parameters.delete(name);
  parameters.set("to", card.id.slice("card-".length));
  history.scrollRestoration = "manual"; // for this history entry, since the page will begin elsewhere
  replaceUrl(`${location.pathname}?${parameters}#${card.id}`);
}

addEventListener("pagehide", savePosition);

document.addEventListener("htmx:historyItemCreated", ({ detail: { item } }) => {
  if ((grid()?.imageIds().length ?? 0) <= MAX_COPIED_CARDS) return;
  savePosition();
  item.url = location.pathname + location.search;
  item.content = "";
});

document.addEventListener("htmx:historyCacheHit", (event) => {
  const { item } = event.detail;
  if (item.content) return;
  event.preventDefault();
  restore(item);
});

async function restore(item) {
  await htmx.ajax("GET", item.url, { target: "#library", swap: "outerHTML" });
  sessionStorage.setItem(HTMX_PATH, item.url);
  document.dispatchEvent(new CustomEvent("library-restored"));
  const card = document.getElementById(location.hash.slice(1));
  if (card) card.scrollIntoView();
  else scrollTo(0, item.scroll);
}

// The results of a long search, sent by POST, get the URL of a GET, so that Back and Reload can request them again; after a
// POST the browser would ask to send the form again.
const searchForm = document.querySelector("form[data-long-url]");
if (location.pathname === searchForm?.dataset.longUrl) {
  replaceUrl(`${new URL(searchForm.action).pathname}?${new URLSearchParams({ q: searchForm.elements.q.value })}`);
}

// A page that was left far down begins with the picture that was visible then.
const target = document.getElementById(`card-${new URLSearchParams(location.search).get("to")}`);
if (target && history.scrollRestoration === "manual") target.scrollIntoView();
addEventListener("load", () => setTimeout(() => (history.scrollRestoration = "auto")));

// Back from the image page shows the picture seen last, which may be many pictures further on (picture_navigation.js).
function takeLastPicture() {
  const [imageId, query] = JSON.parse(sessionStorage.getItem("last-picture") ?? "[]");
  sessionStorage.removeItem("last-picture");
  return { imageId, query };
}

addEventListener("pageshow", ({ persisted }) => {
  const { imageId, query } = takeLastPicture();
  const isBack = persisted || performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (!imageId || !isBack || location.hash === `#card-${imageId}`) return;
  // After the browser has restored the page's old scroll position.
  setTimeout(() => {
    if (grid()?.reveal(imageId) || query !== queryOf(location)) return;
    const parameters = new URLSearchParams(location.search);
    for (const name of ["pages", "after", "before"]) parameters.delete(name);
    parameters.set("to", imageId);
    location.replace(`${location.pathname}?${parameters}#card-${imageId}`);
  });
});
