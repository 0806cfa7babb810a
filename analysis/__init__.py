"""imagelib's one app: pictures come in, are recognized and can be found. Layers: docs/architecture.md."""
