// A search for pictures by id, such as id:17,20..25, as analysis/search/terms/ids.py parses it.
const MAX_LENGTH = 3_000; // a search in a URL can have 4,000 characters

export function idSearch(ids) {
  const numbers = [...new Set([...ids].map(Number))].sort((one, other) => one - other);
  const ranges = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  const text = ranges.map(([low, high]) => (low === high ? low : `${low}..${high}`)).join(",");
  // For thousands with other users' pictures in between: the user's own pictures from the first to the last.
  return text.length <= MAX_LENGTH ? `id:${text}` : `id:${numbers[0]}..${numbers.at(-1)} owner:me`;
}
