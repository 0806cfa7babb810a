// Shows a toast for failed requests that the user started. Polling is retried automatically and needs none.
import { message } from "./messages.js";
import { showMessage } from "./toasts.js";

const USER_EVENTS = ["click", "submit", "change", "toggle"];

const isPost = ({ detail }) => detail.requestConfig?.verb === "post";
const isUserRequest = (event) => isPost(event) || USER_EVENTS.includes(event.detail.requestConfig?.triggeringEvent?.type);

document.addEventListener("htmx:sendError", (event) => {
  if (!isUserRequest(event)) return;
  showMessage(message(isPost(event) ? "unreachable-unchanged" : "unreachable"));
});
document.addEventListener("htmx:responseError", (event) => {
  if (isUserRequest(event)) showMessage(message("server-error", { status: event.detail.xhr.status }));
});

// After a sign-out elsewhere the response is the sign-in page: goes there, and returns here afterwards. False otherwise.
export function redirectToSignIn(responseUrl) {
  const url = new URL(responseUrl, location);
  if (!url.searchParams.has("next")) return false;
  url.searchParams.set("next", location.pathname + location.search);
  location.assign(url);
  return true;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (redirectToSignIn(event.detail.xhr.responseURL)) event.preventDefault();
});
