"""Rows of images: added, found, removed; uploads on their way in."""
