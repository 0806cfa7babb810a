"""The search language: text to syntax tree, and terms in the reader's language."""
