// Sets the thumbnail size. Not a module, so that it runs before the first paint and nothing jumps.
try {
  const density = localStorage.getItem("density");
  if (density) document.documentElement.dataset.density = density;
} catch {
  // Without storage, the default size stays.
}
