"""Every table of the lake. Imports pyarrow and nothing else."""

from schemas import (
    catalog,
    documents,
    facets,
    figure_signs,
    figures,
    links,
    passages,
    quality,
    regions,
    rejects,
    runs,
    sheets,
    signs,
    tombstones,
    vectors,
)
from schemas.base import Table

#: By name, in the order of the data flow.
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        documents.TABLE,
        passages.TABLE,
        sheets.TABLE,
        regions.TABLE,
        figures.TABLE,
        signs.TABLE,
        figure_signs.TABLE,
        links.TABLE,
        vectors.FIGURE_VECTORS,
        vectors.TEXT_VECTORS,
        vectors.PASSAGE_VECTORS,
        vectors.REGION_VECTORS,
        facets.TABLE,
        catalog.CODEBOOKS,
        catalog.SHARDS,
        catalog.COMPACTED,
        rejects.TABLE,
        runs.TABLE,
        quality.TABLE,
        tombstones.TABLE,
    )
}

__all__ = ["TABLES", "Table"]
