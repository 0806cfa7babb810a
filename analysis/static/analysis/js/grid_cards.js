// Cards of the grid, as elements and as what is kept of them while they are out of the document.
import { parseHtml } from "./fragments.js";

const ratios = new Map();

export function ratioOf(card) {
  const name = card.classList[1];
  if (!ratios.has(name)) ratios.set(name, Number(getComputedStyle(card).getPropertyValue("--ratio")) || 1.5);
  return ratios.get(name);
}

export const imageIdOf = (card) => card.id.slice("card-".length);

export const serialize = (card) => ({ id: imageIdOf(card), ratio: ratioOf(card), html: card.outerHTML });

export const restoreCards = (items) => [...parseHtml(items.map((item) => item.html).join("")).children];

// Of items that are elements still and items that are HTML: all as elements, with the HTML parsed in one go.
export function elementsOf(items) {
  const restored = restoreCards(items.filter((item) => !item.card));
  return items.map((item) => item.card ?? restored.shift());
}
