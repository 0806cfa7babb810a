"""The API for programs: JSON over HTTP below /api/v1/."""
