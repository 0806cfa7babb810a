"""Figures of the library and of the work: counted as they are asked for, or kept ready by tasks."""
