// Sends a search that is too long for a URL by POST, since proxies reject long URLs, often with their own error page.
const MAX_URL_LENGTH = 4_000; // as in analysis/web/library/views.py

// Captured on the document, to run before htmx, which listens on the form itself.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-long-url]")) return;
  const { value } = form.elements.q;
  const url = `${new URL(form.action).pathname}?${new URLSearchParams({ q: value })}`;
  if (url.length <= MAX_URL_LENGTH) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  post(form.dataset.longUrl, { q: value, csrfmiddlewaretoken: document.querySelector("[name=csrfmiddlewaretoken]").value });
}, { capture: true });

function post(url, values) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: url, hidden: true });
  for (const [name, value] of Object.entries(values)) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}
