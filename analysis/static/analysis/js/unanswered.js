// What somebody did and got no answer to is said: nobody clicks in vain without hearing of it. What a page asks by itself
// is asked again, and needs no word.
import { message } from "./messages.js";
import { say } from "./toasts.js";

const BY_HAND = ["click", "submit", "change", "toggle"];

const isPost = ({ detail }) => detail.requestConfig?.verb === "post";
const isByHand = (event) => isPost(event) || BY_HAND.includes(event.detail.requestConfig?.triggeringEvent?.type);

document.addEventListener("htmx:sendError", (event) => {
  if (!isByHand(event)) return;
  say(message(isPost(event) ? "unreachable-unchanged" : "unreachable"));
});
document.addEventListener("htmx:responseError", (event) => {
  if (isByHand(event)) say(message("server-error", { status: event.detail.xhr.status }));
});

// A choice that was not taken is shown as it was before.
for (const failure of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(failure, ({ target }) => target.closest?.("form.openness")?.reset());
}

// Signed out meanwhile: the answer is the page to sign in, and leads back here. False if it is another one.
export function signsIn(answered) {
  const address = new URL(answered, location);
  if (!address.searchParams.has("next")) return false;
  address.searchParams.set("next", location.pathname + location.search);
  location.assign(address);
  return true;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (signsIn(event.detail.xhr.responseURL)) event.preventDefault();
});
