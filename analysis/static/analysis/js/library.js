// The library: its menus, and what history keeps of it.

// A menu that is a <details> closes when one clicks or tabs elsewhere, and on Escape.
const open = () => document.querySelectorAll("details[open]:has(> .menu)");

function closeOthers(event) {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
}

document.addEventListener("click", closeOthers);
document.addEventListener("focusin", closeOthers);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  }
});

// The way back leads to results, not to what was wrong with a search in between.
document.addEventListener("htmx:beforeHistorySave", () => {
  document.querySelector("#complaint")?.replaceChildren();
  for (const menu of open()) menu.open = false;
});
