"""Embeddings of pictures for similarity: table, queue and computation."""
