"""Share links: their list and form, and the public pages behind them."""
