"""Changes people make to pictures: verdicts, tags, ratings, trash, bulk changes.

No analysis overwrites them.
"""
