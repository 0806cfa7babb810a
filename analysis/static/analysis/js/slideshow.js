// The slideshow: shows the next picture of the search every few seconds, in full screen, until the last one or a key press.
import { message } from "./messages.js";
import { enterFullScreen, isFullScreen, leaveFullScreen, renderOptions } from "./viewer_options.js";
import { showMessage } from "./toasts.js";

const SECONDS = 5;
let timer = 0;
let isRunning = false;

function schedule() {
  clearTimeout(timer);
  if (isRunning) timer = setTimeout(advance, SECONDS * 1000);
}

// Not while the page is hidden, and not beyond the last picture.
function advance() {
  if (document.hidden) return schedule();
  const next = document.querySelector(".neighbor-link.next");
  if (next) next.click();
  else stop(message("slideshow-ended"));
}

function start() {
  isRunning = true;
  if (!isFullScreen()) enterFullScreen();
  schedule();
  render();
}

function stop(text) {
  if (!isRunning) return;
  isRunning = false;
  clearTimeout(timer);
  if (text) {
    leaveFullScreen();
    showMessage(text);
  }
  render();
}

function render() {
  renderOptions();
  document.documentElement.toggleAttribute("data-slideshow", isRunning);
  for (const button of document.querySelectorAll("[data-slideshow-button]")) button.ariaPressed = String(isRunning);
}

document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-slideshow-button]")) isRunning ? stop() : start();
});
addEventListener("full-screen-left", () => stop());
addEventListener("picture-shown", () => {
  schedule();
  if (isRunning) render();
});
