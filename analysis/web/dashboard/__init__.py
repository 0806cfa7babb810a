"""Dashboard: period, charts, tables and CSV files."""
