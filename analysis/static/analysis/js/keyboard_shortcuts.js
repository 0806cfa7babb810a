// Keyboard shortcuts. The key of data-shortcut focuses the element if it is a field, else clicks it. data-shortcut-label
// names it in the list that "?" opens, so the list has exactly the shortcuts of the page.
const KEY_NAMES = { ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", Delete: "Del", F: "⇧ F", R: "⇧ R", E: "⇧ E" };
const dialog = document.querySelector("dialog#shortcuts");
const opener = document.querySelector("[data-shortcuts-button]");

const shortcutElements = () =>
  [...document.querySelectorAll("[data-shortcut]")].filter((element) => element === opener || element.checkVisibility());

function openList() {
  const rows = shortcutElements().flatMap((element) => {
    const term = document.createElement("dt");
    const key = document.createElement("kbd");
    key.textContent = KEY_NAMES[element.dataset.shortcut] ?? element.dataset.shortcut;
    term.append(key);
    const label = document.createElement("dd");
    label.textContent = element.dataset.shortcutLabel;
    return [term, label];
  });
  // Keys that belong to no single element are listed by the page.
  const extra = [...document.querySelectorAll("dl[data-extra-shortcuts] > *")].map((element) => element.cloneNode(true));
  dialog.querySelector("dl").replaceChildren(...rows, ...extra);
  dialog.showModal();
}

// True if the focused control uses the key itself: all keys in a field, those that move it in a slider.
function isHandledByControl(target, key) {
  if (target.matches?.("input[type=range]")) return /^(Arrow|Page|Home|End)/.test(key);
  return target.matches?.("input, textarea, select, [contenteditable]");
}

// Ctrl-Z and Command-Z undo the last change while its message is shown; later, the page that lists them does.
document.addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && event.key === "z" && !event.shiftKey && !event.altKey;
  if (!isUndo || event.defaultPrevented || isHandledByControl(event.target, event.key)) return;
  const undo = document.querySelector("#toasts form [data-shortcut]");
  const link = document.querySelector("[data-changes-link]");
  if (undo ?? link) event.preventDefault();
  (undo ?? link)?.click();
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return;
  if (isHandledByControl(event.target, event.key)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const element = shortcutElements().find((candidate) => candidate.dataset.shortcut === event.key);
  if (!element) return;
  event.preventDefault();
  if (element.matches("input:not([type=checkbox])")) return element.select();
  if (element.matches("select, [data-shortcut-focus]")) return element.focus();
  // Tab or a letter leads into the menu, unless it has a field to focus.
  if (element.matches("summary, [popovertarget]")) element.focus();
  element.click();
});

if (opener) {
  opener.hidden = false;
  opener.addEventListener("click", () => {
    opener.closest("[popover]")?.hidePopover();
    openList();
  });
}
