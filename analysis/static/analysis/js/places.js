// The way back to one's place: the address keeps up with what is shown, and for long pages history keeps the address
// and the scroll position rather than a copy of everything.
const MOST_KEPT = 300; // cards that a copy may hold
const MOST_SHOWN = 1_200; // cards that an address brings back from the start on
const HTMX_PATH = "htmx-current-path-for-history";

const rows = () => document.querySelector("bounded-rows");

const queryOf = (address) => new URL(address, location).searchParams.get("q") ?? "";

function goBy(address) {
  history.replaceState(history.state ?? { htmx: true }, "", address);
  sessionStorage.setItem(HTMX_PATH, address.split("#")[0]);
}

// What was asked for by a page that has gone meanwhile must not be added to the one that took its place.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { elt } = detail.requestConfig ?? detail;
  if (elt?.id !== "more") return;
  const address = detail.xhr.getResponseHeader("X-Address");
  if (!elt.isConnected || queryOf(elt.getAttribute("hx-get")) !== queryOf(location)) detail.shouldSwap = false;
  else if (address) goBy(address);
});

// Further down than an address reaches from the start, it names the picture that one sees.
function nameThePlace() {
  const loaded = rows()?.order().length ?? 0;
  const card = loaded > MOST_SHOWN && rows().firstSeen();
  if (!card) return;
  const said = new URLSearchParams(location.search);
  for (const name of ["pages", "after"]) said.delete(name);
  said.set("to", card.id.slice("card-".length));
  history.scrollRestoration = "manual"; // of this entry: the page will begin elsewhere
  goBy(`/?${said}#${card.id}`);
}

addEventListener("pagehide", nameThePlace);

document.addEventListener("htmx:historyItemCreated", ({ detail: { item } }) => {
  if ((rows()?.order().length ?? 0) <= MOST_KEPT) return;
  nameThePlace();
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
  await htmx.ajax("GET", item.url, { target: "#shelf", swap: "outerHTML" });
  sessionStorage.setItem(HTMX_PATH, item.url);
  document.dispatchEvent(new CustomEvent("place-restored"));
  const card = document.getElementById(location.hash.slice(1));
  if (card) card.scrollIntoView();
  else scrollTo(0, item.scroll);
}

// A page that was left far down begins with the picture that was seen.
const named = document.getElementById(`card-${new URLSearchParams(location.search).get("to")}`);
if (named && history.scrollRestoration === "manual") named.scrollIntoView();
addEventListener("load", () => setTimeout(() => (history.scrollRestoration = "auto")));
