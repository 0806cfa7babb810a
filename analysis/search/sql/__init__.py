"""SQL for a search: candidates, conditions and the choice of plan."""
