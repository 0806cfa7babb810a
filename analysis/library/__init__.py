"""Rows of images, and uploads in progress."""
