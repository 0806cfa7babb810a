// XMP files chosen together with pictures: photo.jpg.xmp, else photo.xmp, belongs to photo.jpg in the same folder.
import { pathOf } from "./dropped_files.js";

const MAX_BYTES = 1024 ** 2; // as in analysis/ingest/xmp.py

const isSidecar = (file) => /\.xmp$/i.test(file.name);
const stemOf = (path) => path.replace(/\.[^./]*$/, "");

// The pictures, the sidecars by picture, and the sidecars that belong to none or are too large.
export function pairSidecars(files) {
  const pictures = files.filter((file) => !isSidecar(file));
  const all = files.filter(isSidecar);
  const byStem = new Map(all.filter((file) => file.size <= MAX_BYTES).map((file) => [stemOf(pathOf(file)), file]));
  const sidecars = new Map();
  for (const picture of pictures) {
    const sidecar = byStem.get(pathOf(picture)) ?? byStem.get(stemOf(pathOf(picture)));
    if (sidecar) sidecars.set(picture, sidecar);
  }
  const used = new Set(sidecars.values());
  const tooLarge = all.filter((file) => file.size > MAX_BYTES);
  const alone = all.filter((file) => !used.has(file) && !tooLarge.includes(file));
  return { pictures, sidecars, alone, tooLarge };
}
