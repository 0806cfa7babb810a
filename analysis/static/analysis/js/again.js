// A picture that the storage does not give, since it is lost there or its address is over, is asked of us, who make it
// again where we must: by the address behind the # of its own. One at a time, and no more where that is in vain.
const MOST_IN_VAIN = 3;
const waiting = [];
let isAsking = false;
let inVain = 0;

function take(image) {
  const ours = image.src.split("#")[1];
  if (!/^\/(?!\/).*images\//.test(ours ?? "") || inVain >= MOST_IN_VAIN) return;
  waiting.push([image, ours]);
  ask();
}

async function ask() {
  if (isAsking) return;
  isAsking = true;
  while (waiting.length && inVain < MOST_IN_VAIN) {
    const [image, ours] = waiting.shift();
    if (!image.isConnected) continue; // scrolled out of the page meanwhile
    const answer = await fetch(ours).catch(() => null);
    inVain = answer?.ok ? 0 : inVain + 1;
    if (answer?.ok) image.src = ours; // which the browser has by now
  }
  isAsking = false;
}

document.addEventListener("error", ({ target }) => target instanceof HTMLImageElement && take(target), true);
// Those that failed before this was here.
for (const image of document.images) if (image.complete && image.src && !image.naturalWidth) take(image);
