"""Draws patent-like archives with their ground truth: for the demo, for benchmarks, for training and tests."""

from pipeline.synth.archive import draw_archive

__all__ = ["draw_archive"]
