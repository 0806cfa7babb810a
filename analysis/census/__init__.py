"""Census of a bucket from an S3 Inventory: what it would import, cost and take.

Reads only the inventory's files, never an object of the bucket.
"""
