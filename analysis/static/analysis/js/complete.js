// Suggestions under the search box: a list that the arrows walk, Enter or Tab takes from, and Escape closes.
const PAUSE = 80;

class QueryCompletion extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector("[role=listbox]");
    this.asked = 0;
    this.prepare();
    this.addEventListener("input", () => this.later());
    this.addEventListener("keydown", (event) => this.pressed(event));
    this.addEventListener("focusout", () => this.close());
    // Before the field loses the focus, so that the list is still there to be clicked.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.take(event.target.closest("[role=option]")));
    // The field is replaced by each search.
    document.addEventListener("htmx:oobAfterSwap", () => this.prepare());
    this.closest("form").addEventListener("submit", () => this.close());
    document.addEventListener("htmx:beforeRequest", () => this.close());
  }

  get field() {
    return this.querySelector("input");
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  prepare() {
    const said = { role: "combobox", "aria-autocomplete": "list", "aria-controls": this.list.id, "aria-expanded": "false" };
    for (const [name, value] of Object.entries(said)) this.field.setAttribute(name, value);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  // Answers that come out of order are those of another text: nobody wants them any more.
  async ask() {
    const number = ++this.asked;
    const text = this.field.value;
    if (!text.trim()) return this.close();
    const asked = new URLSearchParams({ q: text, cursor: this.field.selectionStart });
    const answer = await fetch(`${this.dataset.url}?${asked}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (number !== this.asked || document.activeElement !== this.field || !answer?.ok || answer.redirected) return;
    const html = await answer.text();
    if (number !== this.asked) return;
    this.list.innerHTML = html;
    this.list.hidden = !this.options.length;
    this.field.setAttribute("aria-expanded", String(!this.list.hidden));
    this.light(null);
  }

  close() {
    clearTimeout(this.timer);
    this.asked++;
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }

  light(option) {
    for (const each of this.options) each.setAttribute("aria-selected", String(each === option));
    if (option) this.field.setAttribute("aria-activedescendant", option.id);
    else this.field.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  take(option) {
    if (!option) return;
    const { text, cursor, href } = option.dataset;
    this.close();
    if (href) return void location.assign(href);
    this.field.value = text;
    this.field.setSelectionRange(Number(cursor), Number(cursor));
    this.later();
  }

  pressed(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.list.hidden) {
      if (event.key === "ArrowDown") this.ask();
      return;
    }
    const { options } = this;
    const lit = options.findIndex((option) => option.ariaSelected === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.light(options[(lit + step + (lit < 0 && step < 0 ? 1 : 0) + options.length) % options.length]);
    else if (event.key === "Tab" && !event.shiftKey) this.take(options[Math.max(lit, 0)]);
    else if (event.key === "Enter" && lit >= 0) this.take(options[lit]);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation(); // Escape would leave the field
  }
}

customElements.define("query-completion", QueryCompletion);
