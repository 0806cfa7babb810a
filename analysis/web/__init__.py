"""Web pages: each view makes one domain call and renders its result as HTML."""
