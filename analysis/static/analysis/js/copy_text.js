// A text field with a button that copies it. Without JavaScript, or where pages may not copy, there is no button.
import { message } from "./messages.js";

class CopyText extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    // Browsers have no clipboard on pages without HTTPS.
    if (!button || !navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", () => this.copy(button));
    this.querySelector("input").addEventListener("focus", (event) => event.target.select());
  }

  async copy(button) {
    const field = this.querySelector("input");
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = message("copied");
    } catch {
      field.select(); // the person copies it with the keyboard
    }
  }
}

customElements.define("copy-text", CopyText);
