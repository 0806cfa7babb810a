// A picture that the storage does not deliver, because it is lost there or its URL has expired, is requested from our own
// server, which renders it again if needed. That URL stands behind the # of the image's own. One request at a time.
const MAX_FAILURES = 3;
const queue = [];
let isLoading = false;
let failures = 0;

function enqueue(image) {
  const fallback = image.src.split("#")[1];
  if (!/^\/(?!\/).*images\//.test(fallback ?? "") || failures >= MAX_FAILURES) return;
  queue.push([image, fallback]);
  loadQueue();
}

async function loadQueue() {
  if (isLoading) return;
  isLoading = true;
  while (queue.length && failures < MAX_FAILURES) {
    const [image, fallback] = queue.shift();
    if (!image.isConnected) continue; // scrolled out of the page
    const response = await fetch(fallback).catch(() => null);
    failures = response?.ok ? 0 : failures + 1;
    if (response?.ok) image.src = fallback; // in the browser's cache by now
  }
  isLoading = false;
}

document.addEventListener("error", ({ target }) => target instanceof HTMLImageElement && enqueue(target), true);
// Images that failed before this script ran.
for (const image of document.images) if (image.complete && image.src && !image.naturalWidth) enqueue(image);
