// Copies the field's text. Where the clipboard is closed to pages, as without HTTPS, the text is selected instead.
class InvitationLink extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector("input[readonly]");
    const button = this.querySelector("[data-copied]");
    field.addEventListener("focus", () => field.select());
    button.addEventListener("click", async () => {
      field.focus();
      const isCopied = await this.copy(field);
      if (isCopied) button.textContent = button.dataset.copied;
    });
  }

  async copy(field) {
    try {
      await navigator.clipboard.writeText(field.value);
      return true;
    } catch {
      return document.execCommand("copy"); // old, but works over plain HTTP
    }
  }
}

customElements.define("invitation-link", InvitationLink);
