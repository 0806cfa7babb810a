"""Search: a language, its syntax tree (`Query`), and results from the rows that recognition derives."""
