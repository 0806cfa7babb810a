// Sets whether boxes and the panel are shown before the first paint: this script is no module, so that nothing jumps.
try {
  for (const name of ["boxes", "panel"]) {
    const value = localStorage.getItem(`viewer-${name}`);
    if (value) document.documentElement.dataset[name] = value;
  }
} catch {
  // A browser without storage shows the panel, and no boxes.
}
