"""Search: open a release, ask it with a picture, with words, or with both."""

from pipeline.search.engine import SearchEngine, open_release
from pipeline.search.hits import Hit

__all__ = ["Hit", "SearchEngine", "open_release"]
