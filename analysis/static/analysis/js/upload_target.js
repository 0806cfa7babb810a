// The choice before uploading: a collection, and who can see the pictures.
import { fetchHtml } from "./fragments.js";

const FIELDS = ["collection", "collection_name", "visibility"];
const fieldOf = (root, name) => root.querySelector(`[data-upload-target] [name=${name}]`);

// The upload page contains the fields; other pages load them once something is uploaded.
export async function loadTarget(root) {
  const container = root.querySelector("[data-target-url]");
  if (!container || root.querySelector("[data-upload-target]")) return;
  const html = await fetchHtml(container.dataset.targetUrl);
  if (html && !root.querySelector("[data-upload-target]")) container.innerHTML = html;
}

export function targetOf(root) {
  const values = FIELDS.map((name) => [name, fieldOf(root, name)?.value ?? ""]);
  return Object.fromEntries(values.filter(([, value]) => value));
}

export async function restoreTarget(root, target = {}) {
  await loadTarget(root);
  for (const [name, value] of Object.entries(target)) {
    const field = fieldOf(root, name);
    const isOffered = !field?.options || [...field.options].some((option) => option.value === value);
    if (field && isOffered) field.value = value;
  }
}
