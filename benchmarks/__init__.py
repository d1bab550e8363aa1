"""Benchmarks: each prints a ratio against a named peer, both measured in the same run."""
