"""The library page: results, filters, sorting, autocomplete."""
