"""The page of one image and its actions."""
