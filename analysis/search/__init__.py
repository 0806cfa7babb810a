"""A search is one value, `Query`; here it is read, and answered from the rows that recognition derived."""
