"""Packages become documents, sentences and sheets: one adapter per office, one splitter, one step."""
