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

// What lies outside of the results follows them on the way back through history.
document.addEventListener("htmx:historyRestore", () => {
  document.querySelector("#q").value = new URLSearchParams(location.search).get("q") ?? "";
  document.querySelector("#complaint").replaceChildren();
});

document.addEventListener("htmx:beforeHistorySave", () => {
  for (const menu of open()) menu.open = false;
});
