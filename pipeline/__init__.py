"""The pipeline: flow.py is its table of contents."""
