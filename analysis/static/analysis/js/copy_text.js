// Buttons that copy the value of a field: <button data-copy="id of the field">.
import { message } from "./messages.js";

const SHOWN_FOR = 2_000; // milliseconds

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    field.select(); // without permission, or without HTTPS: the person copies it
    return;
  }
  const label = button.textContent;
  button.textContent = message("copied");
  setTimeout(() => {
    button.textContent = label;
  }, SHOWN_FOR);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
