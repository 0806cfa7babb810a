// Suggestions under a text field: arrow keys move in the list, Enter or Tab accepts, Escape closes it.
import { fetchHtml } from "./fragments.js";

const DELAY = 80;

class AutoComplete extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector("[role=listbox]");
    this.requests = 0;
    this.prepareField();
    this.addEventListener("input", () => this.handleInput());
    this.addEventListener("keydown", (event) => this.handleKey(event));
    this.addEventListener("focusout", () => this.close());
    // mousedown, since the field then still has the focus and the list is still open.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.accept(event.target.closest("[role=option]")));
    // Each search replaces the field.
    document.addEventListener("htmx:oobAfterSwap", () => this.prepareField());
    this.closest("form").addEventListener("submit", () => this.handleSubmit());
    // Not for polling, such as for results of an analysis, which no event has triggered.
    document.addEventListener("htmx:beforeRequest", ({ detail }) => detail.requestConfig.triggeringEvent && this.close());
  }

  get field() {
    return this.querySelector("input");
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  prepareField() {
    const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-controls": this.list.id, "aria-expanded": "false" };
    for (const [name, value] of Object.entries(attributes)) this.field.setAttribute(name, value);
  }

  handleInput() {
    this.highlight(null); // so that Enter searches for what was typed
    this.scheduleRequest();
  }

  handleSubmit() {
    this.close();
    // On a phone, the keyboard would stay and cover the results.
    if (this.field.type === "search" && matchMedia("(hover: none)").matches) this.field.blur();
  }

  scheduleRequest() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.request(), DELAY);
  }

  // Drops a response to an earlier text.
  async request() {
    const number = ++this.requests;
    const text = this.field.value;
    if (!text.trim()) return this.close();
    const parameters = new URLSearchParams({ q: text, cursor: this.field.selectionStart });
    const html = await fetchHtml(`${this.dataset.url}?${parameters}`);
    if (html === null || number !== this.requests || document.activeElement !== this.field) return;
    this.list.innerHTML = html;
    this.completedText = text;
    this.list.hidden = !this.options.length;
    this.field.setAttribute("aria-expanded", String(!this.list.hidden));
    this.highlight(null);
  }

  close() {
    clearTimeout(this.timer);
    this.requests++;
    this.list.hidden = true;
    this.list.replaceChildren(); // the list of another field has options with the same ids
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }

  highlight(option) {
    for (const other of this.options) other.setAttribute("aria-selected", String(other === option));
    if (option) this.field.setAttribute("aria-activedescendant", option.id);
    else this.field.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  accept(option) {
    if (!option) return;
    if (this.completedText !== this.field.value) return void this.acceptAgain(option.textContent);
    const { text, cursor, href } = option.dataset;
    this.close();
    if (href) return void location.assign(href);
    this.field.value = text;
    this.field.setSelectionRange(Number(cursor), Number(cursor));
    this.scheduleRequest();
  }

  // An option replaces the text that it was requested for. If more has been typed since then, it is requested again.
  async acceptAgain(name) {
    await this.request();
    if (this.completedText === this.field.value) this.accept(this.options.find((option) => option.textContent === name));
  }

  handleKey(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.list.hidden) {
      if (event.key !== "ArrowDown") return;
      event.preventDefault(); // otherwise the cursor would leave the word to complete
      return void this.request();
    }
    const { options } = this;
    const current = options.findIndex((option) => option.ariaSelected === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.highlight(options[(current + step + (current < 0 && step < 0 ? 1 : 0) + options.length) % options.length]);
    else if (event.key === "Tab" && !event.shiftKey) this.accept(options[Math.max(current, 0)]);
    else if (event.key === "Enter" && current >= 0) this.accept(options[current]);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation(); // otherwise Escape would also leave the field
  }
}

customElements.define("auto-complete", AutoComplete);
