"""The HTTP API for programs, with JSON below /api/v1/."""
