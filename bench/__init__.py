"""Benchmarks, most of them beside a baseline: `make bench`, docs/benchmarks.md."""
