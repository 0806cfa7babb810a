"""The Model Context Protocol: the library as tools for language models."""
