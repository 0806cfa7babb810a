// Sets the thumbnail size before the first paint: this script is no module, so that nothing jumps.
try {
  const density = localStorage.getItem("density");
  if (density) document.documentElement.dataset.density = density;
} catch {
  // A browser without storage shows the default size.
}
