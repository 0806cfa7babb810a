// Bulk actions without leaving the page: sequential requests, their toasts, and Undo.
import { fetchFragment, isFragment, parseHtml } from "./fragments.js";
import { forgetCopies } from "./history_copies.js";
import { reloadLibrary } from "./library_refresh.js";
import { message } from "./messages.js";
import { redirectToSignIn } from "./request_errors.js";
import { showMessage, showToasts } from "./toasts.js";

// The toasts of the response; null if the action failed, after a toast with the error.
export async function postAction(url, body) {
  const response = await fetchFragment(url, { method: "POST", body });
  if (response?.redirected && redirectToSignIn(response.url)) return null;
  if (!isFragment(response)) {
    showMessage(message(response ? "reload" : "unreachable-unchanged"));
    return null;
  }
  forgetCopies();
  return [...parseHtml(await response.text()).querySelectorAll(".toast")];
}

// Runs requests one after another. The same request again, before the first has ended, is a double click: it is not sent,
// as its toast would replace the first one's Undo.
export class ActionQueue {
  pending = new Map();

  send(url, body, run) {
    const key = `${url}?${new URLSearchParams(body)}`;
    if (!this.pending.has(key)) {
      const previous = [...this.pending.values()].at(-1);
      this.pending.set(key, this.runAfter(previous, run).finally(() => this.pending.delete(key)));
    }
    return this.pending.get(key);
  }

  async runAfter(previous, run) {
    await previous?.catch(() => {});
    return run();
  }
}

// When a background action has ended, its pictures are rendered again.
document.addEventListener("htmx:load", ({ detail: { elt } }) => elt.matches?.(".toast[data-finished]") && reloadLibrary());

// Undo without leaving the page.
document.addEventListener("submit", async (event) => {
  if (!event.target.matches(".toast form")) return;
  event.preventDefault();
  const toasts = await postAction(event.target.action, new FormData(event.target));
  if (!toasts) return;
  showToasts(...toasts);
  await reloadLibrary();
});

// Enter presses the button next to the field; browsers would press the first button of the bar.
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Enter" && event.target.matches?.(".bulk-details input") && event.target.closest(".menu");
  if (!menu) return;
  event.preventDefault();
  const isAfter = (button) => event.target.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING;
  [...menu.querySelectorAll("button")].find(isAfter).click();
});
