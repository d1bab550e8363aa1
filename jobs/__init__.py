"""Thin commands over pipeline/: parse arguments, call, exit code."""
