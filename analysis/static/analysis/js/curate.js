// What a person says of a picture, by keys: labels under the focus or the pointer, stars; and toasts that come with an
// answer. Every key presses a button that is on the page.
import { shelf, show } from "./toasts.js";

const panel = document.querySelector(".panel");
const names = () => [...panel.querySelectorAll(".word:not(.rejected, .off) .row-name")];
let wanted = ""; // the label to go on with once the one rejected has moved away

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
  if (key === "n" && row.matches(":focus-within")) {
    const all = names();
    const at = all.indexOf(row.querySelector(".row-name"));
    wanted = (all[at + 1] ?? all[at - 1])?.id ?? "";
  }
  button.click();
}

const STARS = (number) => {
  const given = panel.querySelectorAll(".star.given").length;
  if (number !== given) panel.querySelector(`[data-stars="${number || given}"]`)?.click();
};

const KEYS = { j: () => step(1), k: () => step(-1), y: () => say("y"), n: () => say("n") };
for (const number of [0, 1, 2, 3, 4, 5]) KEYS[number] = () => STARS(number);

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.matches?.("input, textarea, select, [contenteditable]") || !Object.hasOwn(KEYS, event.key)) return;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return;
  event.preventDefault();
  KEYS[event.key]();
});

document.addEventListener("htmx:afterSettle", () => {
  document.getElementById(wanted)?.focus();
  wanted = "";
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
  const target = form.action.includes("/open-to/") ? "#own" : "#panel";
  event.preventDefault();
  htmx.ajax("POST", form.action, { source: form, target, swap: "outerHTML", values: Object.fromEntries(new FormData(form)) });
});
