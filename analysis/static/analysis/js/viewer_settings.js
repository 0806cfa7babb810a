// Shows or hides boxes and panel. Not a module, so that it runs before the first paint and nothing jumps.
try {
  for (const name of ["boxes", "panel"]) {
    const value = localStorage.getItem(`viewer-${name}`);
    if (value) document.documentElement.dataset[name] = value;
  }
} catch {
  // Without storage, the panel is shown and boxes are not.
}
