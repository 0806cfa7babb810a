// How large pictures are shown, before anything is: this script is no module, so that nothing jumps.
try {
  const kept = localStorage.getItem("density");
  if (kept) document.documentElement.dataset.density = kept;
} catch {
  // A browser that keeps nothing shows the usual size.
}
