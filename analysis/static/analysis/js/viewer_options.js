// Viewer options: boxes and panel, which the browser remembers, and full screen, which it does not.
const IDLE_MILLISECONDS = 2_500;
const SAME_KEY_MILLISECONDS = 400;
const root = document.documentElement;
let leftAt = -Infinity;

function remember(name, value) {
  try {
    localStorage.setItem(`viewer-${name}`, value);
  } catch {
    // Storage may be blocked; the choice still applies to this page.
  }
}

function remembered(name) {
  try {
    return localStorage.getItem(`viewer-${name}`) ?? "";
  } catch {
    return "";
  }
}

export const showsBoxes = () => root.dataset.boxes === "shown";
export const isFullScreen = () => "fullScreen" in root.dataset;

// Updates the states of all buttons, including those that came with another picture.
export function renderOptions() {
  const states = {
    boxes: showsBoxes(),
    panel: root.dataset.panel !== "hidden",
    "full-screen": isFullScreen(),
  };
  for (const button of document.querySelectorAll("[data-viewer-option]")) {
    button.ariaPressed = String(states[button.dataset.viewerOption]);
  }
  dispatchEvent(new CustomEvent("viewer-options"));
}

function toggleBoxes() {
  root.dataset.boxes = showsBoxes() ? "hidden" : "shown";
  remember("boxes", root.dataset.boxes);
}

function togglePanel() {
  root.dataset.panel = root.dataset.panel === "hidden" ? "shown" : "hidden";
  if (!isFullScreen()) remember("panel", root.dataset.panel);
}

// Full screen of the whole page, not of the picture element, which the next picture replaces.
export function enterFullScreen() {
  root.dataset.fullScreen = "";
  root.dataset.panel = "hidden";
  // iPhones do not support it; there only the page's own bars are hidden.
  root.requestFullscreen?.().catch(() => {});
  watchForIdleness();
}

export function leaveFullScreen() {
  delete root.dataset.fullScreen;
  delete root.dataset.idle;
  root.dataset.panel = remembered("panel");
  leftAt = performance.now();
  if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  dispatchEvent(new CustomEvent("full-screen-left"));
}

const ACTIONS = {
  boxes: toggleBoxes,
  panel: togglePanel,
  "full-screen": () => (isFullScreen() ? leaveFullScreen() : enterFullScreen()),
};

document.addEventListener("click", ({ target }) => {
  const option = target.closest?.("[data-viewer-option]")?.dataset.viewerOption;
  if (!option) return;
  ACTIONS[option]();
  renderOptions();
});

// Escape and the browser's own buttons also leave full screen.
document.addEventListener("fullscreenchange", () => {
  if (document.fullscreenElement || !isFullScreen()) return;
  leaveFullScreen();
  renderOptions();
});

// The key that leaves full screen must not also lead back to the results, whichever of the two events comes first.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || (!isFullScreen() && performance.now() - leftAt > SAME_KEY_MILLISECONDS)) return;
  event.preventDefault();
  if (!isFullScreen()) return;
  leaveFullScreen();
  renderOptions();
}, { capture: true });

// In full screen the controls fade while the pointer rests.
let idleTimer = 0;
function watchForIdleness() {
  clearTimeout(idleTimer);
  delete root.dataset.idle;
  if (isFullScreen()) idleTimer = setTimeout(() => (root.dataset.idle = ""), IDLE_MILLISECONDS);
}
for (const type of ["pointermove", "pointerdown", "focusin"]) {
  document.addEventListener(type, () => isFullScreen() && watchForIdleness(), { passive: true });
}

renderOptions();
