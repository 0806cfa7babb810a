"""Search: the language, its syntax tree (`Query`) and the results."""
