// Shows how many of the selected pictures the user may change, before an action is chosen. The server counts.
import { fetchFragment, isFragment } from "./fragments.js";

const DELAY = 250;

export class BulkPreview {
  constructor(form) {
    this.form = form;
    this.requests = 0;
  }

  // Dragging or Shift changes the selection many times a second; only the last state is requested.
  schedule(body) {
    clearTimeout(this.timer);
    for (const button of this.form.querySelectorAll("[data-permitted-title]")) button.disabled = false;
    this.timer = setTimeout(() => this.request(body()), DELAY);
  }

  // Hides the message, which would be wrong for another selection.
  clear() {
    clearTimeout(this.timer);
    this.requests += 1;
    this.show({});
  }

  async request(body) {
    const number = ++this.requests;
    const response = await fetchFragment(this.form.dataset.previewUrl, { method: "POST", body });
    if (!isFragment(response) || number !== this.requests) return;
    this.show(await response.json());
  }

  show(previews) {
    for (const note of this.form.querySelectorAll("[data-permitted]")) this.write(note, previews[note.dataset.permitted]?.text);
    for (const note of this.form.querySelectorAll("[data-permitted-short]")) this.write(note, previews[note.dataset.permittedShort]?.short);
    for (const button of this.form.querySelectorAll("[data-permitted-title]")) {
      const preview = previews[button.dataset.permittedTitle];
      button.title = preview?.text ?? "";
      button.disabled = preview?.number === 0;
    }
  }

  write(note, text = "") {
    if (note.textContent !== text) note.textContent = text;
    note.hidden = !text;
  }
}
