"""The pages: each request makes one domain call and renders its result as HTML."""
