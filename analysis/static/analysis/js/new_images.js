// Pictures uploaded in the library. If it is sorted by newest first, their cards are added to the grid as soon as they are
// stored; in other orders, such as by date taken, a line above the results counts them and links to them.
import { fetchCards, pollCards, reloadLibrary, replaceSummary } from "./library_refresh.js";
import { message } from "./messages.js";

const DELAY = 300; // milliseconds, so that pictures stored together are requested together
const MAX_CARDS = 100; // in one request

let stored = [];
let count = 0;
let timer = null;

function showCount() {
  const line = document.querySelector("[data-new-images]");
  if (!line) return;
  line.querySelector("[data-new-images-count]").textContent = message("new-pictures", { number: count });
  line.hidden = false;
}

async function addCards() {
  timer = null;
  const selection = document.querySelector("image-selection");
  const grid = selection?.querySelector("virtual-grid");
  if (!selection) return reloadEmptyLibrary();
  if (!grid || !selection.hasAttribute("data-takes-new-images")) return showCount();
  const ids = stored.splice(0, MAX_CARDS);
  const content = await fetchCards(selection.dataset.cardsUrl, "sort:newest", ids);
  if (!content || !selection.isConnected) return showCount();
  const cards = ids
    .filter((id) => !grid.imageIds().includes(id))
    .map((id) => content.querySelector(`#card-${id}`))
    .filter(Boolean)
    .reverse();
  grid.prepend(cards);
  replaceSummary(content);
  pollCards(cards);
  count = 0;
  if (stored.length) schedule();
}

// The empty library shows a welcome page until the first picture is stored.
function reloadEmptyLibrary() {
  stored = [];
  return document.querySelector(".welcome") ? reloadLibrary() : null;
}

function schedule() {
  timer ??= setTimeout(addCards, DELAY);
}

document.addEventListener("image-stored", ({ detail: { id } }) => {
  stored.push(id);
  count += 1;
  schedule();
});

// New results contain everything stored so far, so counting starts again.
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.target?.id === "library") [stored, count] = [[], 0];
});
