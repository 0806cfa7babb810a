// Requests for fragments of pages, which the server renders for htmx and for these scripts alike.

// The response, whatever its status; null if the server cannot be reached.
export function fetchFragment(url, options = {}) {
  return fetch(url, { ...options, headers: { ...options.headers, "HX-Request": "true" } }).catch(() => null);
}

// A redirected response is the sign-in page, not a fragment.
export const isFragment = (response) => Boolean(response?.ok && !response.redirected);

// The HTML of a successful response, else null.
export async function fetchHtml(url, options) {
  const response = await fetchFragment(url, options);
  return isFragment(response) ? response.text() : null;
}

export function parseHtml(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}
