// The full-resolution picture over its preview: one larger file, or tiles of a very large picture. The server renders them
// on first use. If that fails, the preview stays and a toast gives the reason.
import { message } from "./messages.js";
import { showMessage } from "./toasts.js";
import { levelFor, visibleTiles } from "./zoom_geometry.js";

const MAX_TILES = 160;

export class SharpLayer {
  constructor(frame, url) {
    this.frame = frame;
    this.url = url;
    this.tiles = new Map();
  }

  prepare() {
    this.request ??= this.describe();
  }

  // Called while the view is larger than the preview.
  async show(view, area) {
    this.latest = { view, area };
    const source = await this.request;
    if (!source || this.latest.view !== view || !this.frame.isConnected) return;
    if (source.image) this.showImage(source.image);
    else this.showTiles(source, view, area);
  }

  async describe() {
    this.frame.classList.add("is-sharpening");
    const response = await fetch(this.url, { headers: { Accept: "application/json" } }).catch(() => null);
    const source = await response?.json().catch(() => null);
    this.frame.classList.remove("is-sharpening");
    if (response?.ok && source && !response.redirected) return source;
    showMessage(source?.reason ?? message(response ? "zoom-unavailable" : "unreachable"));
    return null;
  }

  showImage(url) {
    if (this.image) return;
    this.image = this.createImage(url, "sharp");
    this.image.decode().then(() => this.frame.querySelector(".boxes").before(this.image), () => showMessage(message("zoom-unavailable")));
  }

  showTiles({ tiles, size, levels }, view, area) {
    const number = levelFor(view, levels, devicePixelRatio);
    const level = levels[number];
    for (const { row, column } of visibleTiles(view, area, level, size)) {
      const key = `${number}/${row}/${column}`;
      if (this.tiles.has(key)) continue;
      const tile = this.createImage(tiles.replace("0/0/0", key), "tile");
      tile.style.left = `${(100 * column * size) / level.width}%`;
      tile.style.top = `${(100 * row * size) / level.height}%`;
      tile.style.width = `${(100 * Math.min(size, level.width - column * size)) / level.width}%`;
      tile.style.height = `${(100 * Math.min(size, level.height - row * size)) / level.height}%`;
      tile.style.zIndex = number;
      tile.addEventListener("error", () => this.reportOnce());
      this.tiles.set(key, tile);
      this.frame.querySelector(".boxes").before(tile);
    }
    this.dropOldest();
  }

  // The tiles added first have been out of view the longest.
  dropOldest() {
    for (const [key, tile] of this.tiles) {
      if (this.tiles.size <= MAX_TILES) return;
      this.tiles.delete(key);
      tile.remove();
    }
  }

  reportOnce() {
    if (!this.isReported) showMessage(message("zoom-unavailable"));
    this.isReported = true;
  }

  createImage(url, className) {
    return Object.assign(new Image(), { src: url, className, alt: "", draggable: false });
  }
}
