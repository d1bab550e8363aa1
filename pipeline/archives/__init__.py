"""Bulk archives: found, listed once, cut into shards of members, and read package by package under limits.

On the driver :func:`list_archive` reads only directories (a zip's central directory, a tar's headers)
and cuts the archive into shards; in a task :func:`open_packages` reads the shard's byte ranges. An
archive is hostile until proved otherwise: names, sizes, ratios and depth are checked before memory is
spent, and what is refused becomes a reject row.
"""

from pipeline.archives.entries import INSIDE, Entry
from pipeline.archives.listing import Listing, Shard, list_archive, open_packages
from pipeline.archives.packages import Member, Package
from pipeline.archives.sources import ArchiveSource, content_sha256, date_in_name, discover

__all__ = [
    "INSIDE",
    "ArchiveSource",
    "Entry",
    "Listing",
    "Member",
    "Package",
    "Shard",
    "content_sha256",
    "date_in_name",
    "discover",
    "list_archive",
    "open_packages",
]
