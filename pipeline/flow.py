"""The table of contents: every step, declared once.

The runner, the CLI, the Airflow DAGs and the docs are generated from ``STEPS``. Imports only the
standard library, so that a DAG file parses in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

#: Stands in the archive column for what belongs to the whole lake.
LAKE_SCOPE = "_lake"


@dataclass(frozen=True)
class Step:
    """One step of the pipeline.

    ``module`` holds ``run(ctx)``. ``settings`` names the sections of the configuration whose change
    makes the step's work stale. ``version`` is raised when the meaning of its output changes.
    """

    name: str
    engine: Literal["spark", "ray", "driver"]
    scope: Literal["archive", "lake"]
    module: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    settings: tuple[str, ...]
    version: int
    summary: str

    def load(self) -> Any:
        """Import the step's module; heavy libraries come in only now."""
        return import_module(self.module)


STEPS: tuple[Step, ...] = (
    Step(
        "extract",
        "spark",
        "archive",
        "pipeline.extract.step",
        (),
        ("documents", "passages", "sheets"),
        ("limits", "extract"),
        1,
        "archive members become documents, sentences and sheets",
    ),
    Step(
        "ocr",
        "ray",
        "archive",
        "pipeline.ocr.step",
        ("sheets",),
        ("regions",),
        ("ocr", "figures.roles"),
        2,
        "text is read on the sheets",
    ),
    Step(
        "figures",
        "spark",
        "archive",
        "pipeline.figures.step",
        ("passages", "sheets", "regions"),
        ("figures",),
        ("figures",),
        1,
        "sheets are split into their figures",
    ),
    Step(
        "link",
        "spark",
        "archive",
        "pipeline.linking.step",
        ("passages", "regions", "figures"),
        ("signs", "figure_signs", "links"),
        ("linking",),
        2,
        "reference signs are named, found in the figures and linked to sentences",
    ),
    Step(
        "embed",
        "ray",
        "archive",
        "pipeline.embedding.step",
        ("passages", "sheets", "figures", "links"),
        ("figure_vectors", "text_vectors", "passage_vectors", "region_vectors"),
        ("models",),
        1,
        "figures and sentences become vectors",
    ),
    Step(
        "classify",
        "ray",
        "archive",
        "pipeline.classify.step",
        ("figures", "passages"),
        ("facets",),
        ("classify",),
        1,
        "figure type and perspective",
    ),
    Step(
        "codebook",
        "ray",
        "lake",
        "pipeline.indexing.codebook_step",
        ("figure_vectors", "text_vectors", "passage_vectors", "region_vectors"),
        ("codebooks",),
        ("indexing", "models"),
        1,
        "codebooks are trained when there is none or growth asks for one",
    ),
    Step(
        "encode",
        "ray",
        "archive",
        "pipeline.indexing.encode_step",
        ("figure_vectors", "text_vectors", "passage_vectors", "region_vectors", "codebooks"),
        ("shards",),
        (),
        1,
        "vectors become one immutable shard per modality",
    ),
    Step(
        "publish",
        "driver",
        "lake",
        "pipeline.publishing.step",
        ("shards", "codebooks", "facets", "documents", "tombstones", "compacted"),
        (),
        ("publish", "quality"),
        1,
        "gates, manifest, CURRENT",
    ),
)

BY_NAME: dict[str, Step] = {step.name: step for step in STEPS}

_LAKE_WIDE = {table for step in STEPS if step.scope == "lake" for table in step.writes}


def covers_lake(step: Step) -> bool:
    """Whether a step is due for the lake as a whole: because it is one step, or because it reads what is lake-wide.

    encode reads the codebooks: a new one makes the shards of all archives stale at once, and a release holds all of
    them or none.
    """
    return step.scope == "lake" or bool(_LAKE_WIDE & set(step.reads))


def steps_between(first: str | None, last: str | None) -> tuple[Step, ...]:
    """The steps from ``first`` to ``last``, both included; None means the end of the list.

    Raises KeyError for an unknown name and ValueError when ``first`` comes after ``last``.
    """
    names = [step.name for step in STEPS]
    start = 0 if first is None else names.index(BY_NAME[first].name)
    stop = len(names) if last is None else names.index(BY_NAME[last].name) + 1
    if start >= stop:
        raise ValueError(f"{first} comes after {last}")
    return STEPS[start:stop]


def engine_groups(steps: tuple[Step, ...]) -> list[tuple[Step, ...]]:
    """Neighbours that share an engine; each group runs in one process that ends its engine."""
    groups: list[list[Step]] = []
    for step in steps:
        if groups and groups[-1][-1].engine == step.engine:
            groups[-1].append(step)
        else:
            groups.append([step])
    return [tuple(group) for group in groups]
