"""One settings tree: profile or TOML file < environment < command line. An unknown key is an error.

The environment spells ``ocr.engine`` as ``FIGLAKE_OCR__ENGINE``; the command line as
``--set ocr.engine=easyocr``.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError

PROFILE_FOLDER = Path(__file__).resolve().parent.parent / "infra" / "config"
PROFILES = ("laptop", "cluster")
ENV_PREFIX = "FIGLAKE_"
#: Variables that start with the prefix and are not settings.
ENV_OTHER = frozenset({"FIGLAKE_MODELS", "FIGLAKE_LAKE", "FIGLAKE_PROFILE", "FIGLAKE_CONFIG", "FIGLAKE_RUN_ID"})


def _tuning(default: Any) -> Any:
    """A setting that changes speed or memory but not results; it stays out of fingerprints."""
    return field(default=default, metadata={"tuning": True})


@dataclass(frozen=True)
class LakeSettings:
    """How tables are written and cleaned."""

    row_group_mb: int = 64
    file_mb: int = 256
    retention_hours: int = 168
    rejects_limit: float = 0.2  # share of an archive's items above which a step ends with exit code 3


@dataclass(frozen=True)
class SparkSettings:
    """The Spark session. ``conf`` passes any Spark property through."""

    master: str = "local[*]"
    driver_memory_mb: int = 1024
    shuffle_partitions: int = 4
    conf: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RaySettings:
    """The Ray session. An empty address starts a private one; 0 CPUs means what the machine has."""

    address: str = ""
    num_cpus: int = 0
    object_store_mb: int = 1024
    gpus_per_actor: float = 0.0
    gpus_wait_s: float = 300.0  # for a GPU of a cluster to be there; then the step fails


@dataclass(frozen=True)
class LimitSettings:
    """What an archive may do. Whatever passes a limit is rejected before memory is spent on it."""

    entries: int = 2_000_000  # files of the archive itself
    nested_entries: int = 100_000  # files of one archive in it
    depth: int = 4
    member_mb: int = 256
    package_mb: int = 512
    nested_mb: int = 4096  # of a compressed archive in the archive; it is inflated to disk
    ratio: int = 1000
    ratio_floor_mb: int = 16  # a member smaller than this may compress as well as it likes
    xml_mb: int = 128
    image_mpixels: int = 300


@dataclass(frozen=True)
class FetchSettings:
    """How deliveries are downloaded. Name and password come from FIGLAKE_BDDS_USER and FIGLAKE_BDDS_PASSWORD."""

    attempts: int = _tuning(8)  # in a row, without a byte of progress
    backoff_s: float = _tuning(2.0)
    longest_wait_s: float = _tuning(300.0)
    timeout_s: float = _tuning(60.0)  # without any answer
    slowest_kb_s: float = _tuning(16.0)  # a slower connection is dropped and resumed
    bdds_url: str = "https://publication-bdds.apps.epo.org/bdds/bdds-bff-service/prod/api"
    bdds_token_url: str = "https://login.epo.org/oauth2/aus3up3nz0N133c0V417/v1/token"  # noqa: S105
    bdds_client: str = "MG9hM3VwZG43YW41cE1JOE80MTc="  # the service's public client, no secret


@dataclass(frozen=True)
class ExtractSettings:
    """How an archive is cut and read."""

    shard_mb: int = _tuning(128)
    shard_packages: int = _tuning(128)
    pdf_fallback: bool = True


@dataclass(frozen=True)
class OcrSettings:
    """The reader of sheets. ``scale``: the detector's resolution as a share of that of a sheet with usual letters."""

    engine: str = "rapidocr"
    batch_size: int = _tuning(8)
    actors: int = _tuning(0)  # 0: one per CPU (or per GPU)
    recycle_after: int = _tuning(5000)  # sheets after which the networks get a fresh process; 0: never
    memory_mb: int = _tuning(6144)  # of that process, where it has no GPU; 0: no limit
    limit_s: float = _tuning(300.0)  # for one batch; what takes longer is halved, and a sheet that does is rejected
    scale: float = 0.38
    min_confidence: float = 0.5
    languages: tuple[str, ...] = ("en",)


@dataclass(frozen=True)
class FigureSettings:
    """Which images become figures."""

    roles: tuple[str, ...] = ("drawing", "abstract figure", "front page")
    margin_px: int = 12


@dataclass(frozen=True)
class LinkingSettings:
    """How signs are resolved."""

    min_confidence: float = 0.5
    min_score: float = 0.4  # a sentence that names neither the figure nor its signs is linked from here on


@dataclass(frozen=True)
class ModelSettings:
    """Encoders: a Hugging Face id, a local directory, or a built-in name (builtin:…)."""

    image: str = "builtin:gradient-histogram"
    image_revision: str = ""
    image_batch: int = _tuning(32)
    text: str = "builtin:all-minilm-l6-v2"
    text_revision: str = ""
    text_batch: int = _tuning(64)
    dtype: str = "auto"  # auto: bfloat16 where the processor has it, else float32
    passages: str = "all"  # all, or linked: only sentences that a link names
    regions: bool = False  # vectors of each figure's regions too, to search with a part of a drawing
    sentence_weights: str = "score"  # score: a figure's sentences weigh as their links do; or equal


@dataclass(frozen=True)
class ClassifySettings:
    """Figure type and perspective."""

    method: str = "caption"


@dataclass(frozen=True)
class IndexSettings:
    """Codebook recipe. Below ``flat_below`` vectors a modality is searched exactly.

    ``memory_mb`` and ``latency_ms`` (one query on one core, as predicted) bound each modality's recipe; 0: no bound.
    """

    flat_below: int = 20_000
    sample: int = 200_000
    seed: int = 20190213
    shards: int = _tuning(64)  # of a modality; from more on `figlake compact` merges small ones
    factory: str = ""  # any faiss factory string; empty: chosen from the number of vectors
    memory_mb: int = 0
    latency_ms: float = 0.0
    #: A codebook is trained anew when its shards' codes are so much worse than those of its training sample, or its
    #: lists so many times as uneven; 0: never.
    drift_limit: float = 0.2
    imbalance_limit: float = 4.0
    retrain: tuple[str, ...] = _tuning(())  # codebooks, by name, that are to be replaced whatever the gauges say


@dataclass(frozen=True)
class QualitySettings:
    """What is expected of the tables before a release. ``fail`` and ``off`` hold kinds or names of expectations."""

    fail: tuple[str, ...] = ("keys", "references", "ranges", "norms")
    off: tuple[str, ...] = ()
    sheets_without_regions: float = 0.3  # shares of an archive's rows that may come out empty
    figures_without_label: float = 0.5
    figures_without_links: float = 0.5
    documents_without_passages: float = 0.7  # bibliographic stubs are many


@dataclass(frozen=True)
class PublishSettings:
    """Gates a release must pass, and how many releases are kept."""

    recall_at_10: float = 0.9  # below this a release is refused
    aim: float = 0.995  # the recall@10 that the search's effort is tuned to
    latency_ms: float = 0.0  # 95th percentile of one query above which a release is refused; 0: not looked at
    queries: int = 200
    keep: int = 5
    keep_days: int = 14


@dataclass(frozen=True)
class SearchSettings:
    """Defaults of a search."""

    nprobe: int = 0  # inverted lists looked into; 0: as the release was tuned
    candidates: int = 0  # vectors scored exactly; 0: as the release was tuned
    fusion: str = "mean"
    exact_below: int = 10_000  # a filter that keeps fewer vectors is answered by scoring them all


@dataclass(frozen=True)
class ObserveSettings:
    """Who is told of a run. Lineage goes where the variables of the OpenLineage client say."""

    logs: str = _tuning("")  # a file that gets a line of JSON for each step's start and end; -: standard error
    #: Items a second below which a step is ended, by its name, e.g. {"ocr" = "0.5"}; measured every ``floor_after_s``.
    floor: Mapping[str, str] = field(default_factory=dict, metadata={"tuning": True})
    floor_after_s: float = _tuning(120.0)

    def __post_init__(self) -> None:
        from pipeline.flow import BY_NAME

        for step, text in self.floor.items():
            if step not in BY_NAME:
                raise UsageError(f"observe.floor: no step {step!r}; steps: {', '.join(BY_NAME)}")
            try:
                good = 0 <= float(text) < math.inf
            except ValueError:
                good = False
            if not good:
                raise UsageError(f"observe.floor: {text!r} for {step} is not a number of items a second")


@dataclass(frozen=True)
class CostSettings:
    """Prices that plans and reports reckon with: typical list prices of a public cloud, to be set to one's own."""

    cpu_hour: float = _tuning(0.04)  # one processor
    gpu_hour: float = _tuning(3.0)  # one accelerator
    storage_gb_month: float = _tuning(0.023)
    currency: str = _tuning("USD")


@dataclass(frozen=True)
class Settings:
    """The whole tree. Frozen: every step sees the same one."""

    lake: LakeSettings = LakeSettings()
    spark: SparkSettings = field(default_factory=SparkSettings)
    ray: RaySettings = RaySettings()
    limits: LimitSettings = LimitSettings()
    fetch: FetchSettings = FetchSettings()
    extract: ExtractSettings = ExtractSettings()
    ocr: OcrSettings = OcrSettings()
    figures: FigureSettings = FigureSettings()
    linking: LinkingSettings = LinkingSettings()
    models: ModelSettings = ModelSettings()
    classify: ClassifySettings = ClassifySettings()
    indexing: IndexSettings = IndexSettings()
    quality: QualitySettings = QualitySettings()
    publish: PublishSettings = PublishSettings()
    search: SearchSettings = SearchSettings()
    cost: CostSettings = CostSettings()
    observe: ObserveSettings = field(default_factory=ObserveSettings)
    #: Passed to delta-rs and pyarrow, e.g. {"AWS_ENDPOINT_URL" = "http://…"}. Never printed.
    storage: Mapping[str, str] = field(default_factory=dict, repr=False)

    def meaning(self, dotted: str) -> Any:
        """What ``ocr`` or ``figures.roles`` says about results, as plain JSON types; tuning left out."""
        value: Any = self
        for name in dotted.split("."):
            value = getattr(value, name)
        return _plain(value)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value) if not f.metadata.get("tuning")
        }
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def load_settings(
    profile: str = "laptop",
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Iterable[str] = (),
) -> Settings:
    """Read the profile, then ``config``, then the environment, then ``key=value`` overrides.

    Raises UsageError naming the source for an unknown key, a wrong type or an unreadable file.
    """
    if profile not in PROFILES:
        raise UsageError(f"unknown profile {profile!r}; choose one of: {', '.join(PROFILES)}")
    tree: dict[str, Any] = {}
    for path in [PROFILE_FOLDER / f"{profile}.toml", *([config] if config else [])]:
        _merge(tree, _read_toml(path), str(path))
    environment = os.environ if environment is None else environment
    for name, text in sorted(environment.items()):
        if name.startswith(ENV_PREFIX) and name not in ENV_OTHER and "__" in name:
            key = name.removeprefix(ENV_PREFIX).lower().replace("__", ".", 1)
            if key.startswith("storage."):
                key = "storage." + name.removeprefix(ENV_PREFIX).split("__", 1)[1]
            _merge(tree, _nested(key, text), f"environment variable {name}")
    for item in overrides:
        key, sign, text = item.partition("=")
        if not sign:
            raise UsageError(f"--set wants key=value, got {item!r}")
        _merge(tree, _nested(key.strip(), text), f"--set {key}")
    return typing.cast(Settings, _build(Settings, tree, ""))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no configuration file at {path}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read the configuration {path}: {error}") from None


def _nested(dotted: str, text: str) -> dict[str, Any]:
    tree: Any = text
    for name in reversed(dotted.split(".", 1)):
        tree = {name: tree}
    return typing.cast(dict[str, Any], tree)


def _merge(tree: dict[str, Any], update: Mapping[str, Any], source: str) -> None:
    """Lay ``update`` over ``tree``, checking each key against the settings as it goes."""
    hints = typing.get_type_hints(Settings)
    for section, values in update.items():
        if section not in hints:
            raise UsageError(f"{source}: unknown section {section!r}; known: {', '.join(sorted(hints))}")
        if not isinstance(values, Mapping):
            raise UsageError(f"{source}: {section} is a section; give {section}.KEY")
        known = typing.get_type_hints(hints[section]) if dataclasses.is_dataclass(hints[section]) else None
        for key, value in values.items():
            if known is not None and key not in known:
                raise UsageError(f"{source}: unknown key {section}.{key}; known: {', '.join(sorted(known))}")
            kind = known[key] if known is not None else str
            tree.setdefault(section, {})[key] = _convert(value, kind, f"{source}: {section}.{key}")


def _convert(value: Any, kind: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    try:
        if kind is bool:
            if isinstance(value, str):
                return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
            if isinstance(value, bool):
                return value
        elif kind in (int, float):
            if not isinstance(value, bool) and isinstance(value, (int, float, str)):
                return kind(value)
        elif kind is str:
            if isinstance(value, str):
                return value
        elif origin is tuple:
            if isinstance(value, str):
                return tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, list) and all(isinstance(part, str) for part in value):
                return tuple(value)
        elif origin is not None and isinstance(kind, types.GenericAlias | typing._GenericAlias):  # type: ignore[attr-defined]
            value = json.loads(value) if isinstance(value, str) else value
            return types.MappingProxyType({str(k): str(v) for k, v in value.items()})
    except (ValueError, KeyError, AttributeError):
        pass
    raise UsageError(f"{where}: {value!r} is not a {getattr(kind, '__name__', kind)}")


def _build(kind: Any, tree: Mapping[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    values = {
        name: _build(hints[name], value, name)
        if dataclasses.is_dataclass(hints[name])
        else dict(value)
        if isinstance(value, Mapping)
        else value
        for name, value in tree.items()
    }
    return kind(**values)


def settings_to_json(settings: Settings) -> dict[str, Any]:
    """The whole tree as plain JSON types, tuning included: how it travels to another process."""
    return {
        f.name: dict(vars(value)) if dataclasses.is_dataclass(value) else dict(value)
        for f in dataclasses.fields(settings)
        if (value := getattr(settings, f.name)) is not None
    }


def settings_from_json(tree: Mapping[str, Any]) -> Settings:
    """The tree that ``settings_to_json`` wrote."""
    merged: dict[str, Any] = {}
    _merge(merged, tree, "settings")
    return typing.cast(Settings, _build(Settings, merged, ""))
