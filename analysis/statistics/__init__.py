"""Statistics of the dashboard: counted ahead of time or on request."""
