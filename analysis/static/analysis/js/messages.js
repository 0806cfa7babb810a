// Sentences in the reader's language: the page brings them along (templates/parts/messages.html).
const language = document.documentElement.lang || "en";
const rules = new Intl.PluralRules(language);
const sentences = JSON.parse(document.getElementById("messages")?.textContent ?? "{}");

export const NUMBER = new Intl.NumberFormat(language);

// The sentence with this key. `values` fill in its %(names)s; `values.number` chooses the plural.
export function message(key, values = {}) {
  const found = sentences[key] ?? key;
  const text = typeof found === "string" ? found : found[rules.select(values.number)] ?? found.other;
  return text.replace(/%\((\w+)\)s/g, (placeholder, name) => {
    const value = values[name] ?? placeholder;
    return name === "number" ? NUMBER.format(value) : String(value);
  });
}
