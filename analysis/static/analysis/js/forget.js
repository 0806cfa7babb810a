// Who signs in next must not find what the one before has seen: htmx keeps pages for the way back.
sessionStorage.removeItem("htmx-history-cache");
