// A page that answers a form, like the estimate of a selection, can't be shown again by Back: the browser would offer to send
// the form once more. When the user leaves it by a link or a form, its history entry gets the URL of the form's page.
const isOwn = document.referrer && new URL(document.referrer).origin === location.origin;
const posted = location.href;

// A long search has got another URL since, from which Back requests it (scroll_restore.js).
function forget() {
  if (location.href === posted) history.replaceState(history.state, "", document.referrer);
}

if ("posted" in document.documentElement.dataset && isOwn) {
  addEventListener("submit", (event) => event.defaultPrevented || forget());
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]:not([target], [download])");
    if (link && !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) forget();
  });
}
