"""Blobs and the pictures that own them."""
