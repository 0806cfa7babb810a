// Files from a drop or a folder chooser: folders are read recursively, and only files that may be pictures are used.
const PICTURE = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|bmp|hei[cf]|hif|avif|svg)$/i;

// The names come from the server, as analysis/ingest/exclusions.py excludes them from every kind of import.
function isSystemFolder(name) {
  const names = document.querySelector("[data-system-folders]")?.dataset.systemFolders.toLowerCase().split("/") ?? [];
  return name.startsWith(".") || names.includes(name.toLowerCase()) || name.toLowerCase().endsWith(".lrdata");
}

// Path by file, as files of a dropped folder have none themselves.
const paths = new WeakMap();
export const pathOf = (file) => (paths.get(file) ?? (file.webkitRelativePath || file.name)).toLowerCase();

export async function filesIn(entry) {
  if (entry instanceof File) return [entry];
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    paths.set(file, entry.fullPath);
    return [file];
  }
  const reader = entry.createReader();
  const entries = [];
  // readEntries returns a folder in portions, of which the last one is empty.
  for (let portion = null; portion === null || portion.length; entries.push(...portion)) {
    portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  }
  entries.sort((one, other) => one.name.localeCompare(other.name));
  const files = [];
  for (const child of entries) {
    if (child.isDirectory && isSystemFolder(child.name)) continue;
    files.push(...(await filesIn(child).catch(() => []))); // one unreadable entry must not stop the others
  }
  return files;
}

// The folder that a file was chosen or dropped in; empty for a single file.
export function folderOf(file) {
  const path = (paths.get(file) ?? file.webkitRelativePath ?? "").replace(/^\/+/, "");
  return path.split("/").slice(0, -1).join("/");
}

// When a file was last changed, in this browser's time zone with its offset: 2019-04-12T16:30:00+02:00.
export function dateOf(file) {
  const minutes = -new Date(file.lastModified).getTimezoneOffset();
  const local = new Date(file.lastModified + minutes * 60_000);
  if (Number.isNaN(local.getTime())) return "";
  const digits = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  const offset = `${minutes < 0 ? "-" : "+"}${digits(minutes / 60)}:${digits(minutes % 60)}`;
  return local.toISOString().slice(0, 19) + offset;
}

export function couldBePicture(file) {
  const folders = (file.webkitRelativePath ?? "").split("/").slice(1, -1);
  if (file.name.startsWith(".") || folders.some(isSystemFolder)) return false;
  return file.type.startsWith("image/") || PICTURE.test(file.name);
}

// Makes the whole page a drop target: `onDrag(isOver)` while files are dragged over it, `onFiles(files, isFolder)` after.
export function acceptDrops(onDrag, onFiles) {
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const changeDepth = (change) => {
    depth = Math.max(0, depth + change);
    onDrag(depth > 0);
  };
  addEventListener("dragenter", (event) => hasFiles(event) && changeDepth(1));
  addEventListener("dragleave", (event) => hasFiles(event) && changeDepth(-1));
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    changeDepth(-depth);
    // Entries exist only during the event, so get all of them before awaiting any.
    const items = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
    const entries = items.filter(Boolean);
    const folders = entries.filter((entry) => entry.isDirectory);
    // Files dropped together stay together, since one may be the sidecar of another.
    const files = await Promise.all(entries.filter((entry) => !entry.isDirectory).map(filesIn));
    if (files.length) onFiles(files.flat(), false);
    for (const folder of folders) onFiles(await filesIn(folder), true);
  });
}
