// Cards of the grid, as elements or serialized while they are out of the document.
import { parseHtml } from "./fragments.js";

const ratios = new Map();

export const isCard = (element) => element.matches(".card");

// Infinite for a heading, which fills a row; 0 for the end of a month, which has no width.
export function ratioOf(card) {
  if (!isCard(card)) return card.matches(".date-heading") ? Infinity : 0;
  const name = card.classList[1];
  if (!ratios.has(name)) ratios.set(name, Number(getComputedStyle(card).getPropertyValue("--ratio")) || 1.5);
  return ratios.get(name);
}

export const imageIdOf = (card) => card.id.slice("card-".length);

export const serialize = (card) => ({ id: isCard(card) ? imageIdOf(card) : null, ratio: ratioOf(card), html: card.outerHTML });

export const restoreCards = (items) => [...parseHtml(items.map((item) => item.html).join("")).children];

// All items as elements; the serialized ones are parsed together.
export function elementsOf(items) {
  const restored = restoreCards(items.filter((item) => !item.card));
  return items.map((item) => item.card ?? restored.shift());
}
