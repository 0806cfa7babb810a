// Geometry of zooming: the position of a picture in its area, in CSS pixels. A view is {x, y, width, height}.
const PANORAMA = 2; // at this ratio of filling to fitting the area, filling becomes a separate step
const NEARLY = 1.05;

const clamp = (value, minimum, maximum) => Math.min(Math.max(value, minimum), maximum);

// The view that shows the whole picture, as without zoom.
export function fittedView(area, picture) {
  const width = Math.min(area.width, picture.shownWidth, (area.height * picture.width) / picture.height);
  return centered(area, { width, height: (width * picture.height) / picture.width });
}

export function centered(area, { width, height }) {
  return { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height };
}

// Zoom factors to step through: the whole picture, for a panorama filling the area, and 1:1 pixels.
export function steps(area, picture, pixelRatio) {
  const fitted = fittedView(area, picture);
  const filled = Math.max(area.width / fitted.width, area.height / fitted.height);
  const actual = picture.width / pixelRatio / fitted.width;
  const factors = [1];
  if (filled >= PANORAMA) factors.push(filled);
  if (actual > NEARLY * factors.at(-1)) factors.push(actual);
  if (factors.length === 1) factors.push(2);
  return factors;
}

export function maximum(area, picture, pixelRatio) {
  return 4 * Math.max(...steps(area, picture, pixelRatio));
}

// The view at another zoom factor; the point of the picture at `point` stays in place.
export function zoomed(view, fitted, factor, point) {
  const ratio = (fitted.width * factor) / view.width;
  return {
    x: point.x - (point.x - view.x) * ratio,
    y: point.y - (point.y - view.y) * ratio,
    width: fitted.width * factor,
    height: fitted.height * factor,
  };
}

// Limits the view to the picture's edges, and centers a picture smaller than the area.
export function within(view, area) {
  const bounded = (start, size, room) => (size <= room ? (room - size) / 2 : clamp(start, room - size, 0));
  return { ...view, x: bounded(view.x, view.width, area.width), y: bounded(view.y, view.height, area.height) };
}

// The smallest level of tiles with at least as many pixels as the view, else the largest level.
export function levelFor(view, levels, pixelRatio) {
  const index = levels.findIndex((level) => level.width >= view.width * pixelRatio);
  return index < 0 ? levels.length - 1 : index;
}

// Rows and columns of the tiles of a level that are visible in the area.
export function visibleTiles(view, area, level, size) {
  const scale = level.width / view.width;
  const range = (start, room, length) => {
    const last = Math.ceil(length / size) - 1;
    return [clamp(Math.floor((-start * scale) / size), 0, last), clamp(Math.floor(((room - start) * scale) / size), 0, last)];
  };
  const [left, right] = range(view.x, area.width, level.width);
  const [top, bottom] = range(view.y, area.height, level.height);
  const tiles = [];
  for (let row = top; row <= bottom; row += 1) for (let column = left; column <= right; column += 1) tiles.push({ row, column });
  return tiles;
}
