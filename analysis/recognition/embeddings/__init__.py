"""Embeddings of pictures for similarity: their table, their queue and their computation."""
