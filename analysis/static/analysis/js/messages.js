// Messages in the reader's language, embedded in the page by templates/includes/messages.html.
const language = document.documentElement.lang || "en";
const rules = new Intl.PluralRules(language);
const messages = JSON.parse(document.getElementById("messages")?.textContent ?? "{}");

export const NUMBER = new Intl.NumberFormat(language);

// The message with this key. `values` fill in its %(names)s; `values.number` chooses the plural.
export function message(key, values = {}) {
  const forms = messages[key] ?? key;
  const text = typeof forms === "string" ? forms : forms[rules.select(values.number)] ?? forms.other;
  return text.replace(/%\((\w+)\)s/g, (placeholder, name) => {
    const value = values[name] ?? placeholder;
    return name === "number" ? NUMBER.format(value) : String(value);
  });
}
