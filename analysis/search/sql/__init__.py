"""SQL for a search: conditions, sources of candidates, statements and the choice between them."""
