"""The recognizer that needs no account: faces, text, colors, a few labels."""
