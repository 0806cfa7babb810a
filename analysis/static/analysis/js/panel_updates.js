// A panel that updates itself waits while someone types in one of its fields, or reads a part of it that they opened.
const hasTyped = (field) => field.value !== field.defaultValue || field === document.activeElement;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = event;
  const fields = [...target.querySelectorAll("input:not([type=hidden])")];
  if (target.querySelector("details[open]") || fields.some(hasTyped)) event.preventDefault();
});
