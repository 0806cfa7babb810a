// What was dropped or chosen, as files: folders are opened, and from them only what could be a picture is taken.
const PICTURE = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|bmp|hei[cf]|hif|avif|svg)$/i;

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
  // What cannot be read must not keep the rest.
  for (const each of found) files.push(...(await filesIn(each).catch(() => [])));
  return files;
}

export function couldBePicture(file) {
  return !file.name.startsWith(".") && (file.type.startsWith("image/") || PICTURE.test(file.name));
}
