"""Share links for people without an account."""
