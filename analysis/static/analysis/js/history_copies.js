// The copies of pages that htmx keeps for Back. After a change they would show pictures as they were before.
export const forgetCopies = () => sessionStorage.removeItem("htmx-history-cache");
