// A text field with a button that copies it. If the browser refuses, the text is selected, to be copied by keyboard.
import { message } from "./messages.js";

class CopyText extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    button.hidden = false;
    // A hidden button gets no focus when the page opens.
    if (button.autofocus && document.activeElement === document.body) button.focus();
    button.addEventListener("click", () => this.copy(button));
    this.querySelector("input").addEventListener("focus", (event) => event.target.select());
  }

  async copy(button) {
    const input = this.querySelector("input");
    input.select();
    // navigator.clipboard exists only on HTTPS and localhost; elsewhere the deprecated execCommand still works.
    const isCopied = await navigator.clipboard?.writeText(input.value).then(() => true, () => false) ?? document.execCommand("copy");
    if (!isCopied) return;
    button.textContent = message("copied");
    button.focus(); // keys after it are shortcuts again, which the field would take
  }
}

customElements.define("copy-text", CopyText);
