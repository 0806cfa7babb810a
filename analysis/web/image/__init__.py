"""Image page: one picture, its analysis results and its actions."""
