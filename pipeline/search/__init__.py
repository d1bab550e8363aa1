"""Search: open a release, ask it with a picture, with words, or with both."""

from pipeline.search.engine import SearchEngine, open_release
from pipeline.search.filters import Filter
from pipeline.search.hits import Hit, Page
from pipeline.search.query import Query

__all__ = ["Filter", "Hit", "Page", "Query", "SearchEngine", "open_release"]
