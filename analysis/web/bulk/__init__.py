"""Actions on many images at once."""
