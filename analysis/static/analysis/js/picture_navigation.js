// Shows the next picture without loading a new page, so that full screen and the slideshow continue. The URL is replaced,
// so that Back leads to the results. A page that can't be fetched is opened normally, and shows the error itself.
import { forgetCopies } from "./history_copies.js";
import { message } from "./messages.js";
import { leaveFullScreen, renderOptions } from "./viewer_options.js";
import { showMessage, showToasts, toastRegion } from "./toasts.js";

const FRESH_MILLISECONDS = 30_000;
const LAST_PICTURE = "last-picture";
const prefetched = new Map(); // URL: {time, page}
let direction = "next";
let current = 0; // number of the latest request, since a later key supersedes an earlier one

async function fetchPage(url, headers = {}) {
  const response = await fetch(url, { headers }).catch(() => null);
  if (!response?.ok || response.redirected) return null;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector(".image-page") ? page : null;
}

// Marked as prefetch, so that toasts are not used up by a page that may never be shown.
function prefetch(link) {
  if (!link) return;
  const entry = prefetched.get(link.href);
  if (entry && performance.now() - entry.time < FRESH_MILLISECONDS) return;
  prefetched.set(link.href, { time: performance.now(), page: fetchPage(link.href, { "X-Prefetch": "1" }) });
}

async function pageOf(url) {
  const entry = prefetched.get(url);
  prefetched.delete(url);
  const isFresh = entry && performance.now() - entry.time < FRESH_MILLISECONDS;
  return (isFresh && (await entry.page)) || fetchPage(url);
}

// Replaces this picture's page with another one's.
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

// Makes the grid show this picture after Back (scroll_restore.js).
function rememberPicture() {
  const { imageId } = document.querySelector(".image-page").dataset;
  try {
    sessionStorage.setItem(LAST_PICTURE, JSON.stringify([imageId, new URLSearchParams(location.search).get("q") ?? ""]));
  } catch {
    // Without storage, the grid returns to where it was left.
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

// Forms after which another picture, or this one again, is shown: Move to trash, Restore, Rotate, and their Undo.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-leads-on], #toasts form:is([action*='/restore/'], [action*='/rotate/'])")) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const response = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
  if (!response) return showMessage(message("unreachable-unchanged"));
  const url = response.ok && response.headers.get("HX-Redirect");
  if (!url) return void location.reload();
  prefetched.clear();
  forgetCopies();
  form.closest(".toast")?.remove(); // its action is done
  if (url.includes("/images/")) return void showPicture(new URL(url, location).href);
  leaveFullScreen();
  location.replace(url);
});

begin();
