"""Takes a file of unknown origin and says which picture it is, or why it is refused: no Django, no network."""
