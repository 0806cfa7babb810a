// Copies the address in the field before the button. Without this script, or where the browser refuses, it is selected there.
import { message } from "./messages.js";

class CopyLink extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => event.target.closest("button") && this.copy());
    this.querySelector("input").addEventListener("focus", (event) => event.target.select());
  }

  async copy() {
    const input = this.querySelector("input");
    input.select();
    // Only on pages of HTTPS and localhost; elsewhere the old way still works.
    const isCopied = await navigator.clipboard?.writeText(input.value).then(() => true, () => false) ?? document.execCommand("copy");
    if (isCopied) this.querySelector("button").textContent = message("copied");
  }
}

customElements.define("copy-link", CopyLink);
