// A collection's page: the grid and selection of the library.
import "./virtual_grid.js";
import "./scroll_restore.js";
import "./selection.js";
import "./request_errors.js";
