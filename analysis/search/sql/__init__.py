"""SQL expressions and conditions that terms and plans are made of."""
