// In an open menu and among the main pages, a letter moves the focus to the next entry that starts with it.
const ENTRIES = ".navigation-link, .menu :is(a, button):not(:disabled)";

// The list that a key acts on: the one with the focus, or the open one of the focused button.
function focusedList() {
  const { activeElement } = document;
  if (!activeElement) return null;
  const { popoverTargetElement: popover, parentElement } = activeElement;
  if (popover?.matches(":popover-open")) return popover;
  if (activeElement.matches("details[open] > summary")) return parentElement.querySelector(":scope > .menu");
  return activeElement.closest(".menu") ?? activeElement.closest(".navigation-link")?.closest("nav");
}

// Entries of the folded group of main pages count, hidden ones do not.
const canFocus = (entry) => entry.checkVisibility() || entry.closest(".navigation-more:not([open])")?.checkVisibility();
const nameOf = (entry) => entry.textContent.trim().toLocaleLowerCase();

function nextEntry(list, letter) {
  const entries = [...list.querySelectorAll(ENTRIES)].filter(canFocus);
  const start = entries.indexOf(document.activeElement) + 1;
  return [...entries.slice(start), ...entries.slice(0, start)].find((entry) => nameOf(entry).startsWith(letter));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !/^\p{L}$/u.test(event.key)) return;
  if (event.target.matches?.("input, textarea, select, [contenteditable]")) return;
  const list = focusedList();
  const entry = list && nextEntry(list, event.key.toLocaleLowerCase());
  if (!entry) return;
  event.preventDefault(); // the letter is no shortcut here
  const folded = entry.closest(".navigation-more:not([open])");
  if (folded) folded.open = true;
  entry.focus();
}, { capture: true });
