"""The app: import, recognition, search and curation (docs/architecture.md)."""
