"""How days and moments are written in the admin: as they are typed into a search, and no wider than a column."""
