// From picture to picture without a new page: full screen and the slideshow continue, and the address is replaced, so that one
// Back leads to the results. A page that cannot be read is opened as usual, and says why itself.
import { leaveFullScreen, renderOptions } from "./viewer_options.js";
import { showToasts, toastRegion } from "./toasts.js";

const FRESH_MILLISECONDS = 30_000;
const LAST_PICTURE = "last-picture";
const prefetched = new Map(); // address: {time, page}
let direction = "next";
let current = 0; // number of the latest request, as a later key overtakes an earlier one

async function fetchPage(url, headers = {}) {
  const response = await fetch(url, { headers }).catch(() => null);
  if (!response?.ok || response.redirected) return null;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector(".image-page") ? page : null;
}

// Marked, so that the toasts of the next page are not lost on one that may never be shown.
function prefetch(link) {
  if (!link) return;
  const known = prefetched.get(link.href);
  if (known && performance.now() - known.time < FRESH_MILLISECONDS) return;
  prefetched.set(link.href, { time: performance.now(), page: fetchPage(link.href, { "X-Prefetch": "1" }) });
}

async function pageOf(url) {
  const known = prefetched.get(url);
  prefetched.delete(url);
  const isFresh = known && performance.now() - known.time < FRESH_MILLISECONDS;
  return (isFresh && (await known.page)) || fetchPage(url);
}

// The page of a picture in place of this one.
export async function showPicture(url) {
  const number = (current += 1);
  const page = await pageOf(url);
  if (number !== current) return;
  if (page) replacePage(page, url);
  else location.replace(url);
}

function replacePage(page, url) {
  const focused = document.activeElement?.closest?.("#main [id], #main [rel], #main [data-shortcut]");
  const selector = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.rel ? `[rel=${focused.rel}]` : `[data-shortcut="${focused.dataset.shortcut}"]`);
  document.querySelector("#main").replaceChildren(...page.querySelector("#main").childNodes);
  document.title = page.title;
  history.replaceState(history.state, "", url);
  for (const field of document.querySelectorAll(".header input[name=next]")) field.value = location.pathname + location.search;
  const toasts = page.querySelectorAll("#toasts > .toast");
  if (toasts.length) showToasts(...toasts);
  window.htmx?.process(document.querySelector("#main"));
  if (selector) document.querySelector(`#main ${selector}`)?.focus({ preventScroll: true, focusVisible: false });
  begin();
}

// Called for each picture.
function begin() {
  renderOptions();
  rememberPicture();
  const linked = document.querySelectorAll(".neighbor-link");
  for (const url of prefetched.keys()) if (![...linked].some((link) => link.href === url)) prefetched.delete(url);
  for (const link of linked) new Image().src = link.dataset.preload;
  prefetch(document.querySelector(`.neighbor-link.${direction}`));
  dispatchEvent(new CustomEvent("picture-shown"));
}

// The grid, reached by Back, shows this picture (scroll_restore.js).
function rememberPicture() {
  const { imageId } = document.querySelector(".image-page").dataset;
  try {
    sessionStorage.setItem(LAST_PICTURE, JSON.stringify([imageId, new URLSearchParams(location.search).get("q") ?? ""]));
  } catch {
    // Without storage the grid is where it was left.
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".neighbor-link");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  direction = link.rel === "prev" ? "previous" : "next";
  showPicture(link.href);
});

for (const type of ["pointerover", "focusin"]) {
  document.addEventListener(type, ({ target }) => prefetch(target.closest?.(".neighbor-link")), { passive: true });
}

// A form after which another picture is shown, or this one again: Move to trash, Restore, Rotate, and their Undo.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-leads-on], #toasts form:is([action*='/restore/'], [action*='/rotate/'])")) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const response = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
  const url = response?.ok && response.headers.get("HX-Redirect");
  if (!url) return void location.reload();
  prefetched.clear();
  form.closest(".toast")?.remove(); // what it offers is done
  if (url.includes("/images/")) return void showPicture(new URL(url, location).href);
  leaveFullScreen();
  location.replace(url);
});

begin();
