"""SQL for a search: conditions, candidates, statements and the planner."""
