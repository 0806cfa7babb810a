// What was dropped or chosen, as files: folders are opened, and from them only what could be a picture is taken.
const PICTURE = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|bmp|hei[cf]|hif|avif|svg)$/i;

// The server names them: analysis/ingest/exclusions.py is the rule for every door.
function isSystemFolder(name) {
  const names = document.querySelector("[data-system-folders]")?.dataset.systemFolders.toLowerCase().split("/") ?? [];
  return name.startsWith(".") || names.includes(name.toLowerCase()) || name.toLowerCase().endsWith(".lrdata");
}

export async function filesIn(entry) {
  if (entry instanceof File) return [entry];
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  // A folder comes in portions; the last one is empty.
  for (let portion = null; portion === null || portion.length; found.push(...portion)) {
    portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  }
  found.sort((one, other) => one.name.localeCompare(other.name));
  const files = [];
  for (const each of found) {
    if (each.isDirectory && isSystemFolder(each.name)) continue;
    files.push(...(await filesIn(each).catch(() => []))); // what cannot be read must not keep the rest
  }
  return files;
}

export function couldBePicture(file) {
  const folders = (file.webkitRelativePath ?? "").split("/").slice(1, -1);
  if (file.name.startsWith(".") || folders.some(isSystemFolder)) return false;
  return file.type.startsWith("image/") || PICTURE.test(file.name);
}
