"""Linking against hand-read truth: signs and part names, captions, sheet–sign and figure–sentence pairs.

The peers are three simple rules, measured in the same run: link a sentence to every figure that prints one of its
signs (the rule of the published systems), to the figure named last, or to the figures that it names itself.

    python benchmarks/linking.py                 measure (about a minute: OCR reads the gold's sheets first)
    python benchmarks/linking.py --cache FILE    keep what OCR read for the next run
    python benchmarks/linking.py --fit           fit the link score's weights, printed with each document held out
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.gold import GoldDocument, Row, documents, truth
from benchmarks.link_weights import fit
from pipeline.config import LinkingSettings
from pipeline.labels import label_key
from pipeline.linking.languages import language
from pipeline.linking.printed import printed_rows
from pipeline.linking.references import is_part, named_figures
from pipeline.linking.resolve import resolve
from pipeline.linking.signs import DocumentSigns, find_signs
from tests.shared_data import SHARED

SETTINGS = LinkingSettings()
Pairs = Mapping[str, set[str]]  # passage → figure labels


@dataclass
class Score:
    """Counts of right, wrong and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    def __str__(self) -> str:
        precision = self.right / max(1, self.right + self.wrong)
        recall = self.right / max(1, self.right + self.missed)
        f1 = 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)
        return f"precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}"


@dataclass(frozen=True)
class Linked:
    """A document with its signs, the signs printed in its figures, and its links."""

    document: GoldDocument
    signs: DocumentSigns
    printed: list[Row]
    links: list[Row]


def main() -> None:
    """Print every measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, help="file that keeps what the earlier stages made of the gold")
    parser.add_argument("--fit", action="store_true", help="fit the weights of the link score")
    parser.add_argument("--errors", action="store_true", help="list what is wrong")
    arguments = parser.parse_args()
    if SHARED is None:
        sys.exit("the hand-read truth is not here (../shared/data is absent)")
    gold = documents(arguments.cache)
    started = time.perf_counter()
    linked = [_link(document) for document in gold]
    seconds = time.perf_counter() - started
    if arguments.fit:
        fit(linked, sentence_truth, is_same_figure)
        return
    print(f"{len(gold) / seconds:.1f} documents per second on one core (signs, corrections, links)\n")
    print_signs(linked, arguments.errors)
    print_captions(linked, arguments.errors)
    print_sheets(linked, arguments.errors)
    print_sentences(linked, arguments.errors)


def _link(document: GoldDocument) -> Linked:
    signs = find_signs(document.passages)
    terms = {row["sign"]: row["term"] for row in signs.rows}
    described = any(p["section"] == "description" for p in document.passages)
    printed = printed_rows(document.figures, document.regions, terms, described, SETTINGS.min_confidence)
    links = resolve(document.figures, printed, document.passages, signs, SETTINGS)
    return Linked(document, signs, printed, links)


# --- signs and part names


def print_signs(linked: Iterable[Linked], errors: bool) -> None:
    """Sign recall and precision; part names exact and acceptable, with and without the steps of methods."""
    gold = truth("signs")
    score, names = Score(), defaultdict(list)
    for one in linked:
        wanted = {row["sign"]: row for row in gold.get(one.document.name, [])}
        found = {row["sign"]: row for row in one.signs.rows}
        unclear = {sign for sign, row in wanted.items() if "AMBIGUOUS" in row.get("note", "")}
        extra = [sign for sign in found if sign not in wanted]
        missing = [sign for sign in wanted if sign not in found and sign not in unclear]
        score += Score(len(found) - len(extra), len(extra), len(missing))
        if errors and (extra or missing):
            print(f"  {one.document.name}: not in the gold {extra}, missing {missing}")
        for sign, row in wanted.items():
            term = _plain(found[sign]["term"]) if sign in found else ""
            exact = term == _plain(row["term"])
            acceptable = exact or term in map(_plain, row["alternates"])
            names["step" if "step" in [row["term"], *row["alternates"]] else "part"].append((exact, acceptable))
            if errors and not exact and "step" not in [row["term"], *row["alternates"]]:
                print(f"  {one.document.name} {sign}: {term!r}, not {row['term']!r}{'' if acceptable else ' (wrong)'}")
    print(f"signs                       {score}   to reach: precision 0.970, recall 0.980")
    for kind, rows in (("part", names["part"]), ("step", names["step"]), ("all", names["part"] + names["step"])):
        right, near = (sum(row[i] for row in rows) / max(1, len(rows)) for i in (0, 1))
        print(f"  names of {kind:5} ({len(rows):3})      exact {right:.3f}  acceptable {near:.3f}"
              "   to reach: 0.900, 0.950")  # fmt: skip


def _plain(term: str) -> str:
    """Lower case and singular, as the truth's README counts names as equal."""
    english = language("en")
    return " ".join(english.singular(word) for word in term.lower().split())


# --- captions


def print_captions(linked: Iterable[Linked], errors: bool) -> None:
    """Brief descriptions found and exact, by the figure's label in the gold."""
    from pipeline.figures.captions import Captions

    gold, right, total = truth("captions"), 0, 0
    for one in linked:
        captions = Captions(one.document.passages)
        for row in gold.get(one.document.name, []):
            found = captions.of(row["label"])
            right, total = right + (found == row["caption"]), total + 1
            if errors and found != row["caption"]:
                print(f"  {one.document.name} {row['label']}: {found!r}, not {row['caption']!r}")
    print(f"captions ({total})               exact {right / max(1, total):.3f}   to reach: 0.950")


# --- sheets


def print_sheets(linked: Iterable[Linked], errors: bool) -> None:
    """Pairs of a sheet and a sign printed on it: as OCR read them, and as the text knows them."""
    read, known = Score(), Score()
    for one in linked:
        sheets = {row["file"]: row for row in truth("sheets").get(one.document.name, [])}
        for file, row in sheets.items():
            wanted = set(row["reference_signs"])
            neither = {*row.get("other_numbers", []), *row.get("other_signs", []), *row.get("uncertain", [])} - wanted
            if not any(f["sheet_id"].endswith("/" + file) for f in one.document.figures):
                continue
            regions = [r for r in one.document.regions if r["sheet_id"].endswith("/" + file) and r["role"] == "sign"]
            raw = {r["sign"] for r in regions if r["confidence"] >= SETTINGS.min_confidence} - neither
            printed = [r for r in one.printed if r["figure_id"].split("#")[0].endswith("/" + file)]
            signs = {r["sign"] for r in printed if r["status"] != "stray"} - neither
            read += _pairs(raw, wanted)
            known += _pairs(signs, wanted)
            if errors and signs != wanted:
                print(f"  {file} of {one.document.name}: not there {sorted(signs - wanted)}, "
                      f"missed {sorted(wanted - signs)}")  # fmt: skip
    print(f"sheet–sign, as read         {read}")
    print(f"sheet–sign, with the text   {known}   to reach: F1 0.940")


def _pairs(found: set[str], wanted: set[str]) -> Score:
    return Score(len(found & wanted), len(found - wanted), len(wanted - found))


# --- sentences


def sentence_truth(document: GoldDocument) -> dict[str, Row]:
    """The gold's sentences by passage; the uncertain left out."""
    by_paragraph = defaultdict(list)
    for passage in document.passages:
        if passage["section"] == "description":
            by_paragraph[passage["paragraph"]].append(passage)
    found = {}
    for row in truth("figure_sentences").get(document.name, []):
        start = _squashed(row["text"])[:45]
        passages = by_paragraph[row["paragraph"]]
        same = [p for p in passages if _squashed(p["text"]).startswith(start[:30])] or [
            p for p in passages if start[:25] in _squashed(p["text"])]  # fmt: skip
        if same and not row.get("uncertain"):
            found[same[0]["passage_id"]] = row
    return found


def _squashed(text: str) -> str:
    return re.sub(r"\W", "", re.sub(r"\[(?:MATH|IMG)\]", "", text))


def is_same_figure(label: str, gold: str) -> bool:
    """Equal labels; a part counts for the whole and the whole for its part (the office splits FIG. 4 in 4(a) …)."""
    one, other = label_key(label), label_key(gold)
    return one == other or is_part(one, other) or is_part(other, one)


def print_sentences(linked: list[Linked], errors: bool) -> None:
    """Figure–sentence pairs: the link score and the simple rules."""
    rules: dict[str, Callable[[Linked], Pairs]] = {
        "prints one of its signs": _by_signs,
        "the figure named last": _named_last,
        "named in the sentence": _by_mention,
    }
    print()
    results = {name: sum((_score(one, rule(one)) for one in linked), Score()) for name, rule in rules.items()}
    for name, score in results.items():
        print(f"figure–sentence, {name:24} {score}")
    ours = sum((_score(one, _by_score(one, SETTINGS.min_score), errors) for one in linked), Score())
    print(f"figure–sentence, link score ≥ {SETTINGS.min_score:.2f}       {ours}   to reach: F1 0.850")
    print("\nprecision and recall by the link score")
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        print(f"  ≥ {threshold:.1f}  {sum((_score(one, _by_score(one, threshold)) for one in linked), Score())}")


def _score(one: Linked, pairs: Pairs, errors: bool = False) -> Score:
    total = Score()
    for passage_id, row in sentence_truth(one.document).items():
        labels, wanted, optional = pairs.get(passage_id, set()), set(row["figures"]), row.get("optional", [])
        hit = {label for label in wanted if any(is_same_figure(found, label) for found in labels)}
        wrong = {f for f in labels if not any(is_same_figure(f, label) for label in [*wanted, *optional])}
        total += Score(len(hit), len(wrong), len(wanted - hit))
        if errors and (wrong or wanted - hit):
            print(f"  {one.document.name} {row['paragraph']}/{row['sentence']}: {sorted(labels)}, not "
                  f"{row['figures']} ({row['basis']}): {row['text'][:80]}")  # fmt: skip
    return total


def _labels(one: Linked) -> dict[str, str]:
    return {figure["figure_id"]: figure["label"] or "" for figure in one.document.figures}


def _by_score(one: Linked, threshold: float) -> Pairs:
    labels, pairs = _labels(one), defaultdict(set)
    for link in one.links:
        if link["score"] >= threshold:
            pairs[link["passage_id"]].add(labels[link["figure_id"]])
    return pairs


def _by_signs(one: Linked) -> Pairs:
    labels, pairs = _labels(one), defaultdict(set)
    for link in one.links:
        if link["sign"]:
            pairs[link["passage_id"]].add(labels[link["figure_id"]])
    return pairs


def _by_mention(one: Linked) -> Pairs:
    labels = _labels(one)
    return {p["passage_id"]: {labels[i] for i in named_figures(p["figure_refs"], one.document.figures)}
            for p in one.document.passages}  # fmt: skip


def _named_last(one: Linked) -> Pairs:
    last: set[str] = set()
    pairs = {}
    for passage_id, named in _by_mention(one).items():
        last = named or last
        pairs[passage_id] = last
    return pairs


if __name__ == "__main__":
    main()
