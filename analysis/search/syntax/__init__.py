"""The search language: text to syntax tree and back."""
