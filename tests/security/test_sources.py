"""No source file unpickles what came from outside, loads weights that are code, or parses without a guard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.rules import scan, scan_folders

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("pipeline", "jobs", "schemas", "airflow_dags", "infra")

#: (file, function, call) → why it is safe there. One that is not needed any more fails the test too.
ALLOWED = {
    ("pipeline/isolation.py", "_portable", "pickle.loads"): "bytes that this process has made a moment before",
    (
        "pipeline/ocr/step.py",
        "__call__",
        "pickle.loads",
    ): "rows between stages of one Ray job, which pickles too",
    ("pipeline/indexing/codebook.py", "load", "faiss.deserialize_index"): "its SHA-256 is compared with the table's",
    ("pipeline/indexing/train.py", "train", "faiss.deserialize_index"): "a checkpoint of this very training, by CRC",
    ("pipeline/indexing/lists.py", "merged_lists", "faiss.read_InvertedLists"): "compaction compares its SHA-256",
    ("pipeline/indexing/lists.py", "_read_lists", "faiss.read_InvertedLists"): "opening a release compares its SHA-256",
    ("pipeline/search/release.py", "index", "faiss.read_index"): "opening a release compares its SHA-256",
    ("pipeline/ocr/rapidocr.py", "has_bfloat16", "openvino.Core"): "asks for the processor only",
    ("pipeline/ocr/rapidocr.py", "_model", "openvino.Core"): "the networks that a package brings",
    ("pipeline/ocr/rapidocr.py", "_in_bfloat16", "openvino.Core"): "runs what _model has read",
    ("pipeline/ocr/rapidocr.py", "_in_float32", "onnxruntime.InferenceSession"): "the networks that a package brings",
}


def test_every_dangerous_call_is_known_and_has_its_reason() -> None:
    found = {(find.file, find.function, find.call): find for find in scan_folders(ROOT, FOLDERS)}
    unknown = [f"{f.file}:{f.line} {f.call}: {f.reason}" for key, f in found.items() if key not in ALLOWED]
    assert not unknown
    assert not [key for key in ALLOWED if key not in found], "no longer there; take it off the list"


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("import pickle\npickle.loads(data)", "pickle.loads"),
        ("import pickle as p\ndef f():\n    return p.load(stream)  # noqa: S301", "pickle.load"),
        ("from pickle import loads as read\nread(data)", "pickle.loads"),
        ("import torch\ntorch.load(path)", "torch.load"),
        ("load(path, weights_only=False)", "weights_only=False"),
        ("import numpy as np\nnp.load(path, allow_pickle=True)", "allow_pickle=True"),
        ("import joblib\njoblib.load(path)", "joblib.load"),
        ("import yaml\nyaml.load(text, yaml.Loader)", "yaml.load"),
        ("eval(text)", "eval"),
        ("import subprocess\nsubprocess.run(line, shell=True)", "shell=True"),
        ("import os\nos.system(line)", "os.system"),
        ("import tarfile\ntarfile.open(path).extractall(folder)", ".extractall"),
        ("import zipfile\nwith zipfile.ZipFile(p) as z:\n    z.extractall()", ".extractall"),
        ("from xml.etree import ElementTree as ET\nET.fromstring(data)", "xml.etree.ElementTree.fromstring"),
        ("import xml.dom.minidom\nxml.dom.minidom.parseString(data)", "xml.dom.minidom.parseString"),
        ("from lxml import etree\netree.XMLParser(no_network=True, load_dtd=False)", "lxml.etree.XMLParser"),
        ("from lxml import etree\netree.fromstring(data)", "lxml.etree.fromstring"),
        ("from lxml import etree\netree.parse(path)", "lxml.etree.parse"),
        ("from transformers import AutoModel\nAutoModel.from_pretrained(f, local_files_only=True)",
         "transformers.AutoModel.from_pretrained"),
        ("from transformers import AutoModel\nAutoModel.from_pretrained(f, use_safetensors=True)",
         "transformers.AutoModel.from_pretrained"),
        ("from transformers import AutoTokenizer\nAutoTokenizer.from_pretrained(f)",
         "transformers.AutoTokenizer.from_pretrained"),
        ("load(f, trust_remote_code=True)", "trust_remote_code=True"),
        ("from sentence_transformers import SentenceTransformer\nSentenceTransformer(f, local_files_only=True)",
         "sentence_transformers.SentenceTransformer"),
        ("import huggingface_hub as hub\nhub.snapshot_download('a/b')", "huggingface_hub.snapshot_download"),
        ("def f():\n    import faiss\n    return faiss.read_index(path)", "faiss.read_index"),
        ("from PIL import Image\nImage.open(path)", "PIL.Image.open"),
        ("import requests\nrequests.get(url, verify=False)", "verify=False"),
    ],
)  # fmt: skip
def test_the_danger_is_seen_however_it_is_spelt(source: str, call: str) -> None:
    assert {find.call for find in scan(source)} == {call}


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load(path, map_location='cpu', weights_only=True)",
        "import numpy as np\nnp.load(path)",
        "import yaml\nyaml.safe_load(text)",
        "import re\nre.compile(pattern)",
        "model.eval()",
        "import subprocess\nsubprocess.run(['ls'])",
        "from lxml import etree\nparser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)\n"
        "etree.fromstring(data, parser)",
        "from transformers import AutoModel\nAutoModel.from_pretrained(f, local_files_only=True, use_safetensors=True)",
        "from transformers import AutoTokenizer\nAutoTokenizer.from_pretrained(f, local_files_only=True)",
        "from PIL import Image\nImage.open(path, formats=('TIFF',))",
        "import pickle\npickle.dumps(value)",
    ],
)
def test_the_safe_way_of_each_passes(source: str) -> None:
    assert scan(source) == []
