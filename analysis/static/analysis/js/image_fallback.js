// Loads a picture from our own server if the storage fails, because the file is missing or the URL has expired. Our URL is
// the fragment of the image's URL; the server renders the picture again if needed. One request at a time.
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
    if (!image.isConnected) continue; // virtual_grid.js has removed it
    const response = await fetch(fallback).catch(() => null);
    failures = response?.ok ? 0 : failures + 1;
    if (response?.ok) image.src = fallback; // now in the browser's cache
  }
  isLoading = false;
}

document.addEventListener("error", ({ target }) => target instanceof HTMLImageElement && enqueue(target), true);
// Images that failed before this script ran.
for (const image of document.images) if (image.complete && image.src && !image.naturalWidth) enqueue(image);
