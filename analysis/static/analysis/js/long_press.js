// A long press of one finger. The click and the link's menu that follow it in browsers are suppressed. Mouse, pen, keyboard
// and screen readers, which press for the finger, are not affected.
const DELAY = 450; // ms; browsers open their menu after 500 or more
const MAX_MOVE = 10; // px; a finger is never quite still
const AFTER_SCROLL = 150; // ms; a finger that stops a moving page selects nothing

let scrolledAt = -AFTER_SCROLL;
addEventListener("scroll", () => (scrolledAt = performance.now()), { passive: true });

export function onLongPress(container, selector, callback) {
  let press = null; // of the finger that is down, or was last
  const isPressed = ({ pointerType }) => pointerType === "touch" && press?.isLong;

  function cancel() {
    if (press) clearTimeout(press.timer);
  }

  function fire() {
    cancel();
    press.isLong = true;
    navigator.vibrate?.(10);
    callback(press.target);
  }

  container.addEventListener("pointerdown", ({ target, pointerType, isPrimary, clientX: x, clientY: y }) => {
    cancel();
    const pressed = target.closest(selector);
    const isFinger = pointerType === "touch" && isPrimary && performance.now() - scrolledAt > AFTER_SCROLL;
    press = isFinger && pressed ? { target: pressed, x, y, isLong: false, timer: setTimeout(fire, DELAY) } : null;
  });
  container.addEventListener("pointermove", ({ clientX, clientY }) => {
    if (press && Math.hypot(clientX - press.x, clientY - press.y) > MAX_MOVE) cancel();
  });
  // The browser takes a finger that scrolls or zooms.
  for (const type of ["pointerup", "pointercancel"]) container.addEventListener(type, cancel);
  container.addEventListener("click", (event) => {
    if (!isPressed(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });
  container.addEventListener("contextmenu", (event) => {
    if (isPressed(event)) event.preventDefault();
  });
}
