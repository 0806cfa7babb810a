"""Date formats of the admin: as typed into a search, and narrow enough for a colum"""
