// The next person to sign in must not find pages of the previous one: htmx keeps copies of them for the Back button.
sessionStorage.removeItem("htmx-history-cache");
