"""The demo: what a first hour with figlake does, command by command."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from jobs.ask import search
from jobs.ingest import run
from jobs.make import synth
from jobs.options import out

#: A week of each office, and its seed; five documents each keep the demo within a few minutes on two cores.
WEEKS = {"epo": 1, "uspto": 2}
DOCUMENTS = 5


def demo(folder: Path) -> None:
    """Draw two weekly archives into ``folder``, run every step on them, search, and write ``hits.png``.

    Prints each command as a user would type it. Raises typer.Exit when a step fails.
    """
    deliveries, lake, sheet = folder / "deliveries", folder / "lake", folder / "hits.png"
    for office, seed in WEEKS.items():
        _announce(f"synth --out {deliveries} --documents {DOCUMENTS} --seed {seed} --office {office}")
        synth(folder=deliveries, documents=DOCUMENTS, seed=seed, office=office)
    _announce(f"run --archives {deliveries} --lake {lake} --profile laptop")
    try:
        run(lake=str(lake), archives=[str(deliveries)], profile="laptop")
    except typer.Exit as end:
        if end.exit_code:
            raise
    part = most_linked_part(lake)
    _announce(f'search --text "{part}" -k 8 --sheet {sheet} --lake {lake}')
    search(lake=str(lake), text=part, k=8, sheet=sheet)
    out.print(f"\nThe lake is at {lake}. Ask it: figlake status, show, sql, search --image; each with --lake {lake}")


def most_linked_part(lake: Path) -> str:
    """The part that most links of the lake name: a query that has something to find. The first of equals."""
    from pipeline.lake import Lake

    counts = Counter(Lake.at(lake).read("links", ["term"])["term"].drop_null().to_pylist())
    return min(counts, key=lambda term: (-counts[term], term), default="drawing")


def _announce(command: str) -> None:
    out.print(f"\n[bold]figlake {command}[/]", highlight=False)
