"""Date formats of the admin: as on the pages"""
