// Toasts: messages with Undo. They stay long enough to read, and as long as the pointer or the focus is on them.
const LIFETIME = 12_000;

export const toastRegion = () => document.querySelector("#toasts");

function scheduleRemoval(toast) {
  if (toast.hasAttribute("hx-get")) return; // it shows progress, and is replaced at the end
  const remove = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(remove, LIFETIME / 4);
    else toast.remove();
  };
  setTimeout(remove, LIFETIME);
}

// The focus of a keyboard stays on the toasts if it was there, for example on Undo, instead of going to the page's top.
export function showToasts(...toasts) {
  const hadFocus = toastRegion().querySelector(":focus-visible");
  toastRegion().replaceChildren(...toasts);
  if (hadFocus) toastRegion().querySelector("a, button")?.focus({ preventScroll: true });
  window.htmx?.process(toastRegion());
  toasts.forEach(scheduleRemoval);
}

export function showMessage(text) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.role = "status";
  toast.append(Object.assign(document.createElement("p"), { textContent: text }));
  showToasts(toast);
}

document.addEventListener("click", (event) => event.target.closest?.("[data-close-toast]")?.closest(".toast").remove());
toastRegion()?.querySelectorAll(".toast").forEach(scheduleRemoval);
document.addEventListener("htmx:load", ({ detail: { elt } }) => elt.matches?.(".toast") && scheduleRemoval(elt));
