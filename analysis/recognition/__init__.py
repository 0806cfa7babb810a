"""Asks a recognizer what is in a picture and turns its answer into values and rows."""
