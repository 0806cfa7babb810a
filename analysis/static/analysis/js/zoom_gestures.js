// Gestures on a picture: drag, pinch, swipe, double tap and wheel, passed to a target with the methods pan, zoomAt,
// toggleAt, swipe and swipeBy.
const TAP_PIXELS = 12;
const DOUBLE_TAP = { milliseconds: 320, pixels: 40 };
const SWIPE_PIXELS = 56;
const WHEEL_SPEED = 0.002;
const MAX_WHEEL = 120;
const CONTROLS = "button, a, summary, input, .zoom-controls";

export function listenForGestures(element, target) {
  const pointers = new Map();
  let start = null; // state at the start of the gesture
  let lastTap = null;

  const pointOf = (event) => {
    const { left, top } = element.getBoundingClientRect();
    return { x: event.clientX - left - element.clientLeft, y: event.clientY - top - element.clientTop };
  };

  const middle = () => {
    const [one, two] = [...pointers.values()];
    const center = { x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 };
    return { ...center, distance: Math.hypot(one.x - two.x, one.y - two.y) };
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest(CONTROLS)) return;
    pointers.set(event.pointerId, pointOf(event));
    element.setPointerCapture(event.pointerId);
    if (pointers.size === 1) start = { ...pointOf(event), isTouch: event.pointerType === "touch", time: event.timeStamp };
    else if (start) start.isPinch = true;
  });

  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event);
    if (pointers.size >= 2) {
      const old = middle();
      pointers.set(event.pointerId, now);
      const current = middle();
      target.pan(current.x - old.x, current.y - old.y);
      target.zoomAt(current.distance / Math.max(old.distance, 1), current);
      return;
    }
    pointers.set(event.pointerId, now);
    if (target.isZoomed) target.pan(now.x - before.x, now.y - before.y);
    else if (start?.isTouch && !start.isPinch) target.swipeBy(now.x - start.x);
  });

  const end = (event, isCanceled) => {
    const now = pointers.get(event.pointerId);
    if (!now) return;
    pointers.delete(event.pointerId);
    if (pointers.size || !start) return;
    const [across, down] = [now.x - start.x, now.y - start.y];
    const { isPinch, isTouch } = start;
    start = null;
    if (!target.isZoomed && isTouch && !isPinch) {
      target.swipeBy(0);
      if (!isCanceled && Math.abs(across) > SWIPE_PIXELS && Math.abs(across) > 1.5 * Math.abs(down)) return target.swipe(across < 0 ? 1 : -1);
    }
    if (!isCanceled && !isPinch && Math.hypot(across, down) < TAP_PIXELS) tap(now, event.timeStamp);
  };

  const tap = (point, time) => {
    const isSecond =
      lastTap && time - lastTap.time < DOUBLE_TAP.milliseconds && Math.hypot(point.x - lastTap.x, point.y - lastTap.y) < DOUBLE_TAP.pixels;
    lastTap = isSecond ? null : { ...point, time };
    if (isSecond) target.toggleAt(point);
  };

  element.addEventListener("pointerup", (event) => end(event, false));
  element.addEventListener("pointercancel", (event) => end(event, true));

  // If the page itself can scroll, as on a phone with a mouse, the wheel scrolls it unless the picture is zoomed.
  element.addEventListener("wheel", (event) => {
    const doesPageScroll = document.documentElement.scrollHeight > innerHeight + 1;
    if (event.target.closest(CONTROLS) || (doesPageScroll && !event.ctrlKey && !target.isZoomed)) return;
    event.preventDefault();
    const pixels = Math.max(-MAX_WHEEL, Math.min(MAX_WHEEL, event.deltaMode ? event.deltaY * 24 : event.deltaY));
    // Browsers report a pinch on a trackpad as a wheel event with Ctrl, in small steps.
    target.zoomAt(Math.exp(-pixels * WHEEL_SPEED * (event.ctrlKey ? 4 : 1)), pointOf(event));
  }, { passive: false });
}
