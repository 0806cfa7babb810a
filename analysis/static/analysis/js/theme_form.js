// Applies the account's theme at once. Without this script the form's buttons reload the page.
const buttons = () => document.querySelectorAll("[data-theme-form] button");

function show(theme) {
  for (const button of buttons()) button.ariaPressed = String(button.value === theme);
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

async function choose(form, button) {
  const before = form.querySelector('[aria-pressed="true"]')?.value ?? "system";
  const body = new FormData(form, button);
  show(button.value);
  const response = await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => null);
  // Offline, or the form's CSRF token is stale: the page must not show a theme that is not saved.
  if (response?.type !== "opaqueredirect") show(before);
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-form]") || !event.submitter) return;
  event.preventDefault();
  choose(event.target, event.submitter);
});
