"""Search plans: which statements find the images of a query, and in which order."""
