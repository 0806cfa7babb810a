"""The dashboard: its period, its tables and its CSV files."""
