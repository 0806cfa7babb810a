"""The pages of duplicates: groups, comparison, exact copies."""
