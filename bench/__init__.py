"""Benchmarks, most with a baseline: `make bench`, docs/benchmarks.md."""
