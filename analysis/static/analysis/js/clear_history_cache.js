// Deletes the copies of pages that htmx keeps for Back, so that the next user of this browser can't see them.
sessionStorage.removeItem("htmx-history-cache");
