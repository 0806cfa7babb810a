// What a person says of a picture, by keys: labels under the focus or the pointer, stars; and toasts that come with an
// answer. Every key presses a button that is on the page.
import "./unanswered.js";
import { shelf, show } from "./toasts.js";

const panel = document.querySelector(".panel");
const names = () => [...panel.querySelectorAll(".word:not(.rejected, .off) .row-name")];

function current() {
  return panel.querySelector(".word:focus-within") ?? panel.querySelector(".word:hover");
}

function step(by) {
  const all = names();
  const at = all.indexOf(current()?.querySelector(".row-name"));
  all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by]?.focus();
}

function say(key) {
  const row = current();
  const button = row?.querySelector(`[data-says=${key}]`);
  if (!button) return;
  // What is rejected moves away: whoever goes through the labels by keys goes on with the next one.
  if (key === "n" && row.matches(":focus-within")) {
    const all = names();
    const at = all.indexOf(row.querySelector(".row-name"));
    (all[at + 1] ?? all[at - 1])?.focus();
  }
  button.click();
}

function rate(number) {
  const given = panel.querySelectorAll(".star.given").length;
  if (number !== given) panel.querySelector(`[data-stars="${number || given}"]`)?.click();
}

const KEYS = { j: () => step(1), k: () => step(-1), y: () => say("y"), n: () => say("n") };
for (const number of [0, 1, 2, 3, 4, 5]) KEYS[number] = () => rate(number);

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.matches?.("input, textarea, select, [contenteditable]") || !Object.hasOwn(KEYS, event.key)) return;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return;
  event.preventDefault();
  KEYS[event.key]();
});

// An answer replaces the buttons, and with them what was pressed meanwhile. So that waits until the answer is in place,
// and is pressed again where the button still means the same: a double click is one click.
const waiting = [];
const underWay = new Set();

function end(request) {
  underWay.delete(request);
  while (!underWay.size && waiting.length) waiting.shift()();
}

function pressAgain({ id, name, value }) {
  const button = document.getElementById(id);
  if (button?.name === name && button.value === value) button.click();
}

panel.addEventListener("click", (event) => {
  const button = event.target.closest("button[name]");
  if (!underWay.size || !button) return;
  event.preventDefault();
  event.stopPropagation();
  const { id, name, value } = button;
  waiting.push(() => pressAgain({ id, name, value }));
}, { capture: true });

document.addEventListener("htmx:beforeSend", (event) => underWay.add(event.detail.xhr));
document.addEventListener("htmx:afterSettle", (event) => end(event.detail.xhr));
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!detail.successful || detail.xhr.status === 204) end(detail.xhr);
});

// The word is there: the field is ready for another one. A refused one stays to be put right.
document.addEventListener("added", () => document.querySelector("#add")?.reset());

document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.target === shelf()) show(...shelf().children);
});

// Undo in a toast of this page takes the same way as what it undoes; one that needs the page anew says so itself.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest("#toasts")) return;
  const { action } = form;
  const values = Object.fromEntries(new FormData(form));
  const target = action.includes("/open-to/") ? "#own" : "#panel";
  const undo = () => htmx.ajax("POST", action, { target, swap: "outerHTML", values }); // the toast may be gone by then
  event.preventDefault();
  if (underWay.size) waiting.push(undo);
  else undo();
});
