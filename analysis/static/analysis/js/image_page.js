// The image page: keyboard shortcuts for labels and stars, each of which clicks a button, and toasts that come with a
// response.
import "./request_errors.js";
import { forgetCopies } from "./history_copies.js";
import { showToasts, toastRegion } from "./toasts.js";

// Looked up each time, as the next picture brings its own panel.
const panel = () => document.querySelector(".image-panel");
const labelNames = () => [...panel().querySelectorAll(".label-row:not(.is-rejected, .is-filtered) .detection-name")];

// The label under the focus, else under the pointer.
function currentRow() {
  return panel().querySelector(".label-row:focus-within") ?? panel().querySelector(".label-row:hover");
}

function moveFocus(step) {
  const names = labelNames();
  const index = names.indexOf(currentRow()?.querySelector(".detection-name"));
  names[index < 0 ? (step > 0 ? 0 : names.length - 1) : index + step]?.focus();
}

function pressVerdict(key) {
  const row = currentRow();
  const button = row?.querySelector(`[data-verdict-key=${key}]`);
  if (!button) return;
  // A rejected label leaves the list, so the focus moves to the next one.
  if (key === "n" && row.matches(":focus-within")) {
    const names = labelNames();
    const index = names.indexOf(row.querySelector(".detection-name"));
    (names[index + 1] ?? names[index - 1])?.focus();
  }
  button.click();
}

function rate(stars) {
  const current = panel().querySelectorAll(".star.is-given").length;
  if (stars !== current) panel().querySelector(`[data-stars="${stars || current}"]`)?.click();
}

const SHORTCUTS = { j: () => moveFocus(1), k: () => moveFocus(-1), y: () => pressVerdict("y"), n: () => pressVerdict("n") };
for (const stars of [0, 1, 2, 3, 4, 5]) SHORTCUTS[stars] = () => rate(stars);

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.matches?.("input, textarea, select, [contenteditable]") || !Object.hasOwn(SHORTCUTS, event.key)) return;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return;
  event.preventDefault();
  SHORTCUTS[event.key]();
});

// A response replaces the buttons, so a click during a request waits for the response, and is repeated if the button still
// means the same. So a double click counts once.
const queue = [];
const pendingRequests = new Set();

function endRequest(request) {
  pendingRequests.delete(request);
  while (!pendingRequests.size && queue.length) queue.shift()();
}

function clickAgain({ id, name, value }) {
  const button = document.getElementById(id);
  if (button?.name === name && button.value === value) button.click();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".image-panel button[name]");
  if (!pendingRequests.size || !button) return;
  event.preventDefault();
  event.stopPropagation();
  const { id, name, value } = button;
  queue.push(() => clickAgain({ id, name, value }));
}, { capture: true });

document.addEventListener("htmx:beforeSend", (event) => pendingRequests.add(event.detail.xhr));
document.addEventListener("htmx:afterSettle", (event) => endRequest(event.detail.xhr));
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.requestConfig.verb === "post") forgetCopies();
  if (!detail.successful || detail.xhr.status === 204) endRequest(detail.xhr);
});

// The field is cleared once a label has been added; a refused name stays, to be corrected.
document.addEventListener("labelAdded", () => document.querySelector("#add-label")?.reset());

document.addEventListener("toggle", ({ target, newState }) => {
  if (newState === "open" && target.matches?.(".edit-details")) target.querySelector("[name=title]").focus();
}, { capture: true });

document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.target === toastRegion()) showToasts(...toastRegion().children);
});

const UNDO_TARGETS = { "/visibility/": "#rating", "/details/": "#details" };

// Undo in a toast is sent like the action it undoes; a response that needs another page redirects by itself.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.closest("#toasts")) return;
  const { action } = form;
  const values = Object.fromEntries(new FormData(form));
  const target = Object.entries(UNDO_TARGETS).find(([part]) => action.includes(part))?.[1] ?? "#panel";
  // Not by the toast's own form, as the toast may be gone by then.
  const undo = () => htmx.ajax("POST", action, { target, swap: "outerHTML", values });
  event.preventDefault();
  if (pendingRequests.size) queue.push(undo);
  else undo();
});
