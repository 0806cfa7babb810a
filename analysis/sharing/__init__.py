"""Links for people without an account: what they show, and who opens them."""
