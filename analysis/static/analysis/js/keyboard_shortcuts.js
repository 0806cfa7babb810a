// Keyboard shortcuts. The key in data-shortcut focuses a field or clicks any other element. data-shortcut-label is its name
// in the list that "?" opens, so the list has exactly the page's shortcuts.
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
  // The page lists keys that belong to no single element.
  const extra = [...document.querySelectorAll("dl[data-extra-shortcuts] > *")].map((element) => element.cloneNode(true));
  dialog.querySelector("dl").replaceChildren(...rows, ...extra);
  dialog.showModal();
}

// True if the focused control uses the key itself: every key in a field, on a slider those that move it.
function isHandledByControl(target, key) {
  if (target.matches?.("input[type=range]")) return /^(Arrow|Page|Home|End)/.test(key);
  return target.matches?.("input, textarea, select, [contenteditable]");
}

// Ctrl-Z and Command-Z undo the last change while its toast is shown; afterwards the Changes page can undo it.
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
    if (event.key !== "Escape") return;
    if (event.target.type === "search") event.preventDefault(); // some browsers would clear the field
    event.target.blur();
    return;
  }
  const element = shortcutElements().find((candidate) => candidate.dataset.shortcut === event.key);
  if (!element) return;
  event.preventDefault();
  if (element.matches("input:not([type=checkbox])")) return element.select();
  if (element.matches("select, [data-shortcut-focus]")) return element.focus();
  // Focused, so that Tab or a letter leads into the menu, unless a field in it takes the focus.
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
