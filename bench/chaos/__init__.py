"""A library under work whose parts are broken one by one: for the chaos tests, and for how long it takes to recover."""
