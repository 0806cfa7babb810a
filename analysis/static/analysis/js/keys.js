// Keys of a page. An element with data-key="b" is what that key does: a field is focused, anything else is clicked.
// data-key-words says it in the list that "?" opens, so that the list holds what is valid here and nothing else.
const NAMES = { ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", Delete: "Del" };
const dialog = document.querySelector("dialog#keys");
const opener = document.querySelector("[data-opens-keys]");

const owners = () =>
  [...document.querySelectorAll("[data-key]")].filter((element) => element === opener || element.checkVisibility());

function list() {
  const rows = owners().flatMap((element) => {
    const term = document.createElement("dt");
    const key = document.createElement("kbd");
    key.textContent = NAMES[element.dataset.key] ?? element.dataset.key;
    term.append(key);
    const words = document.createElement("dd");
    words.textContent = element.dataset.keyWords;
    return [term, words];
  });
  // Keys that no single element owns are listed by the page.
  const more = [...document.querySelectorAll("dl[data-more-keys] > *")].map((element) => element.cloneNode(true));
  dialog.querySelector("dl").replaceChildren(...rows, ...more);
  dialog.showModal();
}

// Whether the key belongs to the control that has the focus: all of them in a field, those that move it in a slider.
function isTaken(target, key) {
  if (target.matches?.("input[type=range]")) return /^(Arrow|Page|Home|End)/.test(key);
  return target.matches?.("input, textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return;
  if (isTaken(event.target, event.key)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const owner = owners().find((element) => element.dataset.key === event.key);
  if (!owner) return;
  event.preventDefault();
  if (owner.matches("input:not([type=checkbox])")) owner.select();
  else owner.click();
});

if (opener) {
  opener.hidden = false;
  opener.addEventListener("click", () => {
    opener.closest("[popover]")?.hidePopover();
    list();
  });
}
