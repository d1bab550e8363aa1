"""Step publish: gates, manifest, CURRENT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from pipeline import observe, quality
from pipeline.context import StepContext
from pipeline.errors import GateError
from pipeline.indexing.files import workspace
from pipeline.lake import Lake
from pipeline.parts import Outcome
from pipeline.publishing import entries, gates, pointer
from pipeline.publishing.draft import Draft, assemble, snapshot, unfinished
from pipeline.publishing.manifest import RELEASES, Manifest, read_manifest, release_suffix
from pipeline.publishing.measure import Measured, calibrate, kept, measure, try_out, tune
from pipeline.search.release import OpenModality, Release


def run(ctx: StepContext) -> Outcome:
    """Publish what the lake holds now, but for archives that are on their way; an unchanged lake keeps its release.

    Raises GateError when the release falls short, SupersededError when another publisher came first;
    CURRENT then names what it named before.
    """
    lake, before = snapshot(ctx.lake), pointer.current(ctx.lake)
    standing = read_manifest(lake.storage, before) if before else None
    told = {}
    if left_out := unfinished(lake, standing):
        observe.say(f"publish leaves out what is not through all its steps: {', '.join(left_out)}\n")
        lake, told = lake.without(left_out), {"left_out": left_out}
    ctx.progress(0, 4)
    _check_tables(ctx, lake, standing)
    with workspace(lake.storage) as folder:
        draft = assemble(lake, folder)
        ctx.progress(1, 4)
        gates.check_counts(lake, draft, standing)
        if not draft.modalities and standing is None:
            return Outcome(metrics={"release": None, **told})
        manifest = _find_published(lake, draft)
        if manifest is None:
            manifest = _publish_files(ctx, lake, draft, standing)
    if manifest.release != before:
        pointer.swap(lake, manifest.release, before)
    ctx.progress(4, 4)
    recalls = {name: modality.recall_at_10 for name, modality in manifest.modalities.items()}
    metrics = {"release": manifest.release, "published": manifest.release != before, "recall_at_10": recalls, **told}
    return Outcome(rows_in=sum(modality.rows for modality in manifest.modalities.values()), metrics=metrics)


def _check_tables(ctx: StepContext, lake: Lake, standing: Manifest | None) -> None:
    """Check what has changed since the release in force. Raises GateError, the findings recorded either way."""
    changed = quality.changed_archives(lake, lake.pinned(standing.tables) if standing else None)
    findings = quality.check(lake, ctx.settings.quality, changed)
    quality.record(ctx.lake, findings)
    if failed := quality.failures(findings):
        more = f" (and {len(failed) - 1} more; `figlake quality` prints them)" if len(failed) > 1 else ""
        raise GateError(f"gate quality: {failed[0]}{more}")


def _find_published(lake: Lake, draft: Draft) -> Manifest | None:
    """The complete release of this very lake, if one was published (a crash may have kept CURRENT from it)."""
    suffix = release_suffix(draft.content, draft.tables)
    return next((found for found in pointer.manifests(lake) if found.release.endswith(suffix)), None)


def _publish_files(ctx: StepContext, lake: Lake, draft: Draft, standing: Manifest | None) -> Manifest:
    """Put the files in place, pass the gates, and write the manifest last: from then on it is a release."""
    now = datetime.now(UTC)
    content = draft.content
    name = f"{now:%Y%m%d}-{release_suffix(content, draft.tables)}"
    entries.build(lake, draft.folder / "facets.arrow", draft.folder / entries.FOLDER, standing)
    manifest = Manifest(
        release=name, content=content, published_at=now.isoformat(timespec="microseconds"),
        modalities=draft.modalities, files=draft.files(name), tables=draft.tables, counts=draft.counts,
        lexical=draft.lexical_files(name),
    )  # fmt: skip
    draft.put_files(lake.storage, manifest)
    release = gates.check_files(lake.storage, manifest, standing)
    gates.check_keys(release)
    ctx.progress(2, 4)
    measured = {name: _tune_and_measure(ctx, name, opened, standing) for name, opened in release.modalities.items()}
    gates.check_recall(measured, ctx.settings.publish.recall_at_10)
    gates.check_latency(measured, ctx.settings.publish.latency_ms)
    gates.check_canaries(release, ctx.settings.search)
    ctx.progress(3, 4)
    manifest = _with_measurements(manifest, release, measured, ctx.settings.indexing.seed)
    lake.storage.write_bytes(manifest.to_json().encode(), RELEASES, name, "manifest.json")
    return manifest


def _tune_and_measure(ctx: StepContext, name: str, modality: OpenModality, standing: Manifest | None) -> Measured:
    """Tune the modality's effort on one half of the held-out queries, and measure on the other.

    Tuning tries a score of efforts, on a lake that a night hardly changes: the effort of the release in force is kept,
    or the next below it, while it does under the same codebook.
    """
    queries, aim = ctx.settings.publish.queries, ctx.settings.publish.aim
    trial = try_out(modality, 2 * queries, ctx.settings.indexing.seed)
    before = standing.modalities.get(name) if standing else None
    effort = before.effort if before and before.codebook.name == modality.entry.codebook.name else None
    effort = kept(trial[queries:], effort, aim) if effort else None
    modality.entry = replace(modality.entry, effort=effort or tune(trial[queries:], aim))
    return measure(trial[:queries], ctx.settings.search)


def _with_measurements(manifest: Manifest, release: Release, measured: Mapping[str, Measured], seed: int) -> Manifest:
    modalities = {
        name: replace(
            entry, effort=release.modalities[name].entry.effort,
            calibration=calibrate(release.modalities[name], seed), recall_at_10=measured[name].recall_at_10,
            queries=measured[name].queries, latency_ms=measured[name].latency_ms,
        )
        for name, entry in manifest.modalities.items()
    }  # fmt: skip
    return replace(manifest, modalities=modalities)
