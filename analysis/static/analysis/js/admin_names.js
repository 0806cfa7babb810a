// Accessible names for controls that the scripts of Django's admin and of Select2 leave unnamed.
function nameSelect(container) {
  const select = container.previousElementSibling;
  const label = select?.labels?.[0];
  if (!label) return;
  label.id ||= `${select.id}-label`;
  const value = container.querySelector(".select2-selection__rendered[id]");
  for (const part of container.querySelectorAll('[role="combobox"], [role="textbox"], [role="searchbox"]')) {
    part.setAttribute("aria-labelledby", value ? `${label.id} ${value.id}` : label.id);
  }
}

function nameAll() {
  document.querySelectorAll(".select2-container").forEach(nameSelect);
  // An aria-label counts only on an element with a role.
  document.querySelectorAll("span.help-tooltip[aria-label]").forEach((span) => span.setAttribute("role", "img"));
}

// Those scripts run when the page loads, and again when a row is added to a form.
new MutationObserver(nameAll).observe(document.documentElement, { childList: true, subtree: true });
document.addEventListener("DOMContentLoaded", nameAll);
