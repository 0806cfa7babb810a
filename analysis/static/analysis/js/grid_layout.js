// Rows of a justified grid: the cards in each row, its height, and the grouping of rows into chunks.
export const CHUNK_SIZE = 60; // cards that leave and return together, in whole rows

// Chunks of whole rows as rendered. The last row is left out, as it may not be full yet.
export function renderedChunks(grid) {
  const runs = [[]];
  let top = null;
  for (const element of grid.children) {
    const isSpacer = element.classList.contains("grid-spacer");
    const startsRow = isSpacer || element.offsetTop !== top;
    top = isSpacer ? null : element.offsetTop;
    if (isSpacer) runs.push([]);
    else if (startsRow) runs.at(-1).push([element]);
    else runs.at(-1).at(-1).push(element);
  }
  runs.at(-1).pop();
  return runs.flatMap(chunkRows);
}

export function chunkRows(rows) {
  const chunks = [];
  for (const row of rows) {
    if (!chunks.length || chunks.at(-1).length >= CHUNK_SIZE) chunks.push([]);
    chunks.at(-1).push(...row);
  }
  return chunks;
}

function measure(grid) {
  const style = getComputedStyle(grid);
  return { width: grid.clientWidth, rowHeight: parseFloat(style.getPropertyValue("--row-height")), headingHeight: parseFloat(style.getPropertyValue("--date-heading-height")), space: parseFloat(style.columnGap) };
}

// The rows that `items`, each with an aspect ratio, fill at the grid's width.
export function computeRows(grid, items) {
  const { width, rowHeight, space } = measure(grid);
  const rows = [];
  let filled = Infinity;
  for (const item of items) {
    const itemWidth = Math.min(item.ratio * rowHeight, width);
    filled += space + itemWidth;
    if (filled > width) {
      rows.push([]);
      filled = itemWidth;
    }
    rows.at(-1).push(item);
  }
  return rows;
}

export function computeHeight(grid, rows) {
  const { width, rowHeight, headingHeight, space } = measure(grid);
  const heights = rows.map((row) => {
    const ratios = row.reduce((sum, item) => sum + item.ratio, 0);
    if (!Number.isFinite(ratios) || !ratios) return ratios ? headingHeight : 0;
    const filled = (width - space * (row.length - 1)) / ratios;
    return row.at(-1).ratio ? filled : Math.min(rowHeight, filled); // the last row of a month is not stretched
  });
  return heights.reduce((sum, height) => sum + height + space, -space);
}

export function lastRow(grid) {
  const row = [];
  const top = grid.lastElementChild?.offsetTop;
  for (let card = grid.lastElementChild; card?.matches(".card") && card.offsetTop === top; card = card.previousElementSibling) row.push(card);
  return row;
}

// The card that an arrow key leads to; up and down lead to the nearest one in the next row.
export function neighborOf(card, key) {
  const direction = key === "ArrowRight" || key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling";
  const beyond = (element) => {
    let next = element[direction];
    while (next?.matches(".date-heading, .row-end")) next = next[direction];
    return next;
  };
  let neighbor = beyond(card);
  if (key === "ArrowUp" || key === "ArrowDown") {
    const { offsetTop, offsetLeft, offsetWidth } = card;
    const offset = (other) => Math.abs(other.offsetLeft + other.offsetWidth / 2 - offsetLeft - offsetWidth / 2);
    while (neighbor && neighbor.offsetTop === offsetTop) neighbor = beyond(neighbor);
    const top = neighbor?.offsetTop;
    for (let other = neighbor; other && other.offsetTop === top; other = beyond(other)) {
      if (offset(other) < offset(neighbor)) neighbor = other;
    }
  }
  return neighbor?.matches(".card") ? neighbor : null;
}

// Distance in pixels from the viewport.
export const distanceFromView = (box) => Math.max(box.top - innerHeight, -box.bottom, 0);

export function extentOf(cards) {
  return { top: cards[0].getBoundingClientRect().top, bottom: cards.at(-1).getBoundingClientRect().bottom };
}
