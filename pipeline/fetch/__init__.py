"""New deliveries come in: from the EPO's bulk data service, from a folder, from a bucket."""

from pipeline.fetch.sources import Offer, Source
from pipeline.fetch.work import Fetched, fetch

__all__ = ["Fetched", "Offer", "Source", "fetch"]
