"""Measurements, each with a rival's figure beside ours where there is a rival: `make bench`, docs/benchmarks.md."""
