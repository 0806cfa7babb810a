"""The pages: requests translated into one domain call each, answers into HTML."""
