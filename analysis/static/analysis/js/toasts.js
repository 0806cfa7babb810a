// Toasts: what was done and its Undo. They stay long enough to be read, and as long as somebody is at them.
const SHOWN_FOR = 12_000;

export const shelf = () => document.querySelector("#toasts");

function expire(toast) {
  if (toast.hasAttribute("hx-get")) return; // it says how far something is, and goes when that is over
  const leave = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(leave, SHOWN_FOR / 4);
    else toast.remove();
  };
  setTimeout(leave, SHOWN_FOR);
}

export function show(...toasts) {
  shelf().replaceChildren(...toasts);
  window.htmx?.process(shelf());
  toasts.forEach(expire);
}

export function say(words) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.role = "status";
  toast.append(Object.assign(document.createElement("p"), { textContent: words }));
  show(toast);
}

document.addEventListener("click", (event) => event.target.closest?.("[data-closes]")?.closest(".toast").remove());
shelf()?.querySelectorAll(".toast").forEach(expire);
document.addEventListener("htmx:load", ({ detail: { elt } }) => elt.matches?.(".toast") && expire(elt));
