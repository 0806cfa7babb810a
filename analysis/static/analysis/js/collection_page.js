// A collection's page: the grid and selection of the library.
import "./virtual_grid.js";
import "./scroll_restore.js";
import "./selection.js";
import "./request_errors.js";
import { reloadLibrary } from "./library_refresh.js";

const DELAY = 1_000; // milliseconds, so that pictures stored together are shown together
let timer = null;

// Pictures dropped here are added to the collection. While anything is selected, the grid is not reloaded.
document.addEventListener("image-in-library", () => {
  timer ??= setTimeout(() => {
    timer = null;
    if (!document.querySelector("image-selection .card-checkbox:checked")) reloadLibrary();
  }, DELAY);
});
