// The selection in the library and its bulk bar. It stores ids, since cards are removed from the document, or the query if
// all results are selected. Without this script the same form sends the checkboxes.
import { ActionQueue, postAction } from "./bulk_actions.js";
import { BulkPreview } from "./bulk_preview.js";
import { fetchHtml, isFragment } from "./fragments.js";
import { imageIdOf } from "./grid_cards.js";
import { neighborOf } from "./grid_layout.js";
import { fetchCards, reloadLibrary, replaceSummary } from "./library_refresh.js";
import { onLongPress } from "./long_press.js";
import { NUMBER, message } from "./messages.js";
import { showMessage, showToasts } from "./toasts.js";

const MAX_REFRESHED = 200; // for more cards, the library is reloaded

class ImageSelection extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("#bulk");
    if (!this.form) return;
    this.ids = new Set();
    this.isAll = false;
    this.actions = new ActionQueue();
    this.preview = new BulkPreview(this.form);
    this.menuRequests = 0;
    this.addEventListener("click", (event) => this.handleClick(event));
    onLongPress(this, ".card", (card) => this.toggle(card));
    this.addEventListener("cards-restored", (event) => event.detail.cards.forEach((card) => this.showSelection(card)));
    // Cards that htmx adds or replaces, such as the next page and new results, come unchecked and without the focus.
    this.addEventListener("htmx:oobBeforeSwap", ({ detail: { target } }) => this.rememberFocus(target));
    this.addEventListener("htmx:load", ({ target }) => target.matches(".card") && this.showSelection(target));
    this.form.addEventListener("submit", (event) => this.handleSubmit(event));
    this.form.addEventListener("formdata", ({ formData }) => this.fillForm(formData));
    this.form.addEventListener("toggle", (event) => this.loadMenu(event.target), { capture: true });
    this.form.addEventListener("keydown", (event) => this.handleFieldKey(event));
    this.keyListener = (event) => this.handleKey(event);
    document.addEventListener("keydown", this.keyListener);
    // The browser may restore checked boxes after Back.
    this.querySelectorAll(".card-checkbox:checked").forEach((checkbox) => this.ids.add(checkbox.value));
    this.update();
  }

  disconnectedCallback() {
    if (this.keyListener) document.removeEventListener("keydown", this.keyListener);
  }

  // A jump along the timeline replaces it; the selection stays.
  get grid() {
    return this.querySelector("virtual-grid");
  }

  get count() {
    return this.ids.size;
  }

  handleClick(event) {
    const action = event.target.closest("[data-select]")?.dataset.select;
    if (action === "all") return this.selectAll();
    if (action === "none") return this.clear();
    const periodButton = event.target.closest("[data-ids-url]");
    if (periodButton) return this.selectPeriod(periodButton);
    const card = event.target.closest(".card");
    if (!card) return;
    const isCheckbox = event.target.matches(".card-checkbox");
    const isSelecting = event.shiftKey || (this.count && !event.ctrlKey && !event.metaKey);
    if (!isCheckbox && !isSelecting) return;
    if (!isCheckbox) event.preventDefault();
    const isSelected = isCheckbox ? event.target.checked : !this.ids.has(imageIdOf(card));
    this.select(card, { isSelected, isRange: event.shiftKey });
    getSelection().removeAllRanges();
  }

  select(card, { isSelected, isRange }) {
    const id = imageIdOf(card);
    this.isAll = false;
    const loaded = isRange && this.lastId ? this.grid.imageIds() : [];
    const [start, end] = [loaded.indexOf(this.lastId), loaded.indexOf(id)].sort((one, other) => one - other);
    const range = isRange && start >= 0 ? loaded.slice(start, end + 1) : [id];
    for (const imageId of range) {
      if (isSelected || range.length > 1) this.ids.add(imageId);
      else this.ids.delete(imageId);
    }
    this.lastId = id;
    this.update();
  }

  toggle(card, { shiftKey: isRange } = {}) {
    this.select(card, { isSelected: !this.ids.has(imageIdOf(card)), isRange });
  }

  selectLoaded() {
    this.grid.imageIds().forEach((id) => this.ids.add(id));
    this.update();
  }

  // Selects all pictures of a month or day, including those not loaded; deselects them if all are selected.
  async selectPeriod(button) {
    const response = await fetch(button.dataset.idsUrl).catch(() => null);
    if (!response) return showMessage(message("unreachable-unchanged"));
    const { ids, message: refusal } = isFragment(response) ? await response.json() : { message: message("reload") };
    if (!ids) return showMessage(refusal);
    if (!this.isConnected) return;
    this.isAll = false;
    const isSelected = ids.every((id) => this.ids.has(id));
    for (const id of ids) isSelected ? this.ids.delete(id) : this.ids.add(id);
    this.update();
  }

  selectAll() {
    this.isAll = true;
    this.selectLoaded();
  }

  clear() {
    this.ids.clear();
    this.isAll = false;
    this.update();
    const menu = this.form.querySelector("details[open]");
    if (menu) menu.open = false;
  }

  rememberFocus(card) {
    const { activeElement } = document;
    if (card.matches(".card") && card.contains(activeElement)) this.focused = { id: card.id, part: activeElement.localName };
  }

  // All results include those whose cards follow.
  showSelection(card) {
    if (this.isAll) this.ids.add(imageIdOf(card));
    this.updateCheckbox(card);
    if (this.focused?.id !== card.id) return;
    card.querySelector(`:scope > ${this.focused.part}`)?.focus({ preventScroll: true });
    this.focused = null;
  }

  updateCheckbox(card) {
    const checkbox = card.querySelector(".card-checkbox");
    if (checkbox) checkbox.checked = this.ids.has(checkbox.value);
  }

  update() {
    this.querySelectorAll(".card").forEach((card) => this.updateCheckbox(card));
    this.toggleAttribute("data-selecting", this.count > 0);
    const { resultCount } = this.dataset;
    const label = this.isAll ? message("all-selected", { total: resultCount }) : message("selected", { number: this.count });
    this.form.querySelector("[data-selected-count]").textContent = label;
    this.form.querySelector("[data-select=all]").hidden = this.isAll || resultCount === NUMBER.format(this.count);
    const menu = this.form.querySelector("details[open]");
    if (menu) this.loadMenu(menu);
    if (this.count) this.preview.schedule(() => this.formData());
    else this.preview.clear();
  }

  formData(submitter) {
    return new FormData(this.form, submitter);
  }

  // Also for forms that the browser submits, since cards removed from the document are still selected.
  fillForm(body) {
    body.delete("id");
    if (this.isAll) body.set("all", "1");
    else body.set("ids", [...this.ids].join(","));
  }

  async handleSubmit(event) {
    const { submitter } = event;
    if (submitter?.hasAttribute("data-navigates")) return;
    event.preventDefault();
    const isDone = await this.send(submitter?.getAttribute("formaction") ?? this.form.action, this.formData(submitter));
    if (!isDone) return; // what was typed stays, to be corrected or sent again
    this.form.querySelectorAll("details[open]").forEach((menu) => this.closeMenu(menu));
    this.form.querySelectorAll(".inline-field input").forEach((input) => (input.value = ""));
  }

  // Enter in a field presses the button next to it, not the first one of the form.
  handleFieldKey(event) {
    if (event.key !== "Enter" || event.defaultPrevented || !event.target.matches(".inline-field input")) return;
    event.preventDefault();
    event.target.closest(".inline-field").querySelector("button").click();
  }

  // The focus returns to the button that opened the menu.
  closeMenu(menu) {
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (hadFocus) menu.querySelector("summary").focus();
  }

  send(url, body) {
    return this.actions.send(url, body, () => this.run(url, body));
  }

  // True if the action was done, false if it failed or was refused.
  async run(url, body) {
    this.toggleAttribute("data-sending", true);
    const ids = body.has("all") ? null : body.get("ids").split(",");
    try {
      const toasts = await postAction(url, body);
      if (toasts) showToasts(...toasts);
      if (toasts) await (this.isConnected ? this.refresh(ids) : reloadLibrary());
      return Boolean(toasts) && !toasts.some((toast) => toast.hasAttribute("data-refused"));
    } finally {
      this.toggleAttribute("data-sending", false);
    }
  }

  // Renders changed cards again, and removes those that no longer match.
  async refresh(ids) {
    if (!ids || ids.length > MAX_REFRESHED || this.form.querySelector("[formaction*=restore]")) return reloadLibrary();
    const content = await fetchCards(this.dataset.cardsUrl, this.form.elements.q.value, ids);
    // If another search has replaced this one, its facets and numbers must not be overwritten.
    if (!content || !this.isConnected) return reloadLibrary();
    this.grid.bringBack(ids);
    const focusedId = document.activeElement?.closest?.(".card")?.id;
    for (const id of ids) {
      const card = content.querySelector(`#card-${id}`);
      const old = this.querySelector(`#card-${id}`);
      if (card && old) old.replaceWith(card);
      else if (old) this.removeCard(old);
    }
    document.getElementById(focusedId)?.querySelector("a").focus();
    replaceSummary(content);
    this.update();
  }

  removeCard(card) {
    this.ids.delete(imageIdOf(card));
    const next = neighborOf(card, "ArrowRight") ?? neighborOf(card, "ArrowLeft");
    if (card.contains(document.activeElement)) next?.querySelector("a").focus();
    const [before, after] = [card.previousElementSibling, card.nextElementSibling];
    card.remove();
    if (before?.matches(".date-heading") && !after?.matches(".card, .grid-spacer")) this.removeHeading(before);
    if (!this.querySelector(".card")) reloadLibrary();
  }

  // A day or month without pictures has no heading.
  removeHeading(heading) {
    const { previousElementSibling: above, nextElementSibling: below } = heading;
    const next = below?.matches(".row-end") ? below.nextElementSibling : below;
    if (above?.matches(".row-end")) above.remove();
    heading.remove();
    const isMonth = above?.matches(".date-heading:not(.day-heading)");
    if (isMonth && !next?.matches(".day-heading, .card, .grid-spacer")) this.removeHeading(above);
  }

  // Loads the labels and tags of the selected pictures. A response to an earlier selection is dropped.
  async loadMenu(menu) {
    const container = menu.querySelector?.(".bulk-labels");
    if (!menu.open || !container) return;
    const number = ++this.menuRequests;
    const html = await fetchHtml(container.dataset.url, { method: "POST", body: this.formData() });
    if (html && number === this.menuRequests) container.innerHTML = html;
  }

  handleKey(event) {
    const isRepeatable = event.key === "x" || event.key.startsWith("Arrow");
    if (event.defaultPrevented || event.altKey || (event.repeat && !isRepeatable)) return;
    if (document.querySelector("dialog[open], [popover]:popover-open, details[open] > .menu")) return;
    if (event.target.matches("textarea, select, [contenteditable], input:not(.card-checkbox)")) return;
    const card = document.activeElement?.closest(".card");
    const isHandled = event.ctrlKey || event.metaKey ? this.handleControlKey(event) : this.handlePlainKey(event, card);
    if (isHandled) event.preventDefault();
  }

  handleControlKey(event) {
    if (event.key.toLowerCase() !== "a" || event.shiftKey) return false;
    this.selectLoaded();
    return true;
  }

  handlePlainKey(event, card) {
    if (event.key.startsWith("Arrow")) return this.grid.moveFocus(card, event.key);
    if (event.key === "Escape" && this.count) return this.clear() ?? true;
    if (event.key.toLowerCase() === "x" && card) {
      this.toggle(card, event);
      return true;
    }
    if (event.key === "f") return this.runShortcut(card, "favorite");
    if (event.key === "Delete") return this.runShortcut(card, "trash");
    return false;
  }

  // Acts on the selection, else on the focused card.
  runShortcut(card, action) {
    const button = this.form.querySelector(`button[formaction$="/${action}/"]`);
    if (!button || !(this.count || card)) return false;
    const body = this.formData(button);
    if (!this.count) body.set("ids", imageIdOf(card));
    if (action === "favorite" && !this.count && card.querySelector(".card-badge.favorite")) body.set("favorite", "0");
    this.send(button.getAttribute("formaction"), body);
    return true;
  }
}

customElements.define("image-selection", ImageSelection);
