"""Library page: search results, filters, sorting, autocomplete."""
