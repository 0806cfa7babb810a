"""Alert pages: list, form with a preview, and history."""
