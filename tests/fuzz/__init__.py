"""Fuzzer of what reads bytes from outside, and the corpus it has grown.

`python -m tests.fuzz` mutates files of tests/corpus and of our generators, and prints what fails, minimized.
"""
