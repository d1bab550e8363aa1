"""What no source file may do, because bytes from outside could then do what they like; found in the syntax tree.

A rule looks at one call under its full dotted name: imports and their aliases are resolved, so that another spelling
does not hide it. A linter's ``noqa`` does not hide it either.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Keywords = Mapping[str, ast.expr]

#: Full dotted name, or a family of names, → why it is not called.
FORBIDDEN = {
    "pickle.load": "runs code that the bytes name", "pickle.loads": "runs code that the bytes name",
    "pickle.Unpickler": "runs code that the bytes name", "cloudpickle.load": "runs code that the bytes name",
    "cloudpickle.loads": "runs code that the bytes name", "dill.load": "runs code that the bytes name",
    "dill.loads": "runs code that the bytes name", "joblib.load": "unpickles", "shelve.open": "unpickles",
    "marshal.load": "reads code", "marshal.loads": "reads code",
    "pandas.read_pickle": "unpickles", "torch.hub.load": "downloads code and runs it",
    "eval": "runs text", "exec": "runs text", "compile": "makes code of text",
    "os.system": "goes through a shell", "os.popen": "goes through a shell",
    "subprocess.getoutput": "goes through a shell", "subprocess.getstatusoutput": "goes through a shell",
    "tempfile.mktemp": "gives a name that somebody else may take first",
    "yaml.load": "makes objects; use yaml.safe_load", "yaml.load_all": "makes objects; use yaml.safe_load_all",
    "yaml.full_load": "makes objects; use yaml.safe_load", "yaml.unsafe_load": "makes objects; use yaml.safe_load",
    "shutil.unpack_archive": "writes wherever member names lead", "ssl._create_unverified_context": "trusts any server",
    "faiss.read_index": "trusts every length in the file; compare its SHA-256 first",
    "faiss.read_index_binary": "trusts every length in the file; compare its SHA-256 first",
    "faiss.read_VectorTransform": "trusts every length in the file; compare its SHA-256 first",
    "faiss.read_InvertedLists": "trusts every length in the file; compare its SHA-256 first",
    "faiss.deserialize_index": "trusts every length in the bytes; compare their SHA-256 first",
    "onnxruntime.InferenceSession": "runs whatever graph the file holds; load only what a package brings",
    "openvino.Core": "runs whatever graph a file holds; load only what a package brings",
    "lxml.etree.parse": "takes lxml's own parser; pass bytes and a hardened one to fromstring",
    "lxml.etree.XML": "takes lxml's own parser; use fromstring", "lxml.etree.HTML": "takes lxml's own parser",
    "lxml.objectify": "takes lxml's own parser", "lxml.html": "takes lxml's own parser",
    "xml": "expands entities without a limit", "xmlrpc": "expands entities without a limit",
}  # fmt: skip
#: Method names that are forbidden whatever they are called on.
FORBIDDEN_METHODS = {"extractall": "writes wherever member names lead"}
#: Keyword and value that no call has.
FORBIDDEN_KEYWORDS = {
    ("shell", True): "goes through a shell",
    ("allow_pickle", True): "unpickles",
    ("trust_remote_code", True): "runs code that comes with a model",
    ("verify", False): "trusts any server",
    ("use_safetensors", False): "unpickles weights",
    ("weights_only", False): "unpickles weights",
}
#: What such a call must say.
REQUIRED = {
    "torch.load": {"weights_only": True},
    "lxml.etree.XMLParser": {"resolve_entities": False, "load_dtd": False, "no_network": True},
    "lxml.etree.iterparse": {"resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False},
    "sentence_transformers.SentenceTransformer": {"local_files_only": True, "model_kwargs": {"use_safetensors": True}},
}
#: What such a call must say something about, whatever it is.
MENTIONED = {
    "PIL.Image.open": ("formats",),  # some of Pillow's formats start programs
    "lxml.etree.fromstring": ("parser",),
    "huggingface_hub.snapshot_download": ("revision",),
    "huggingface_hub.hf_hub_download": ("revision",),
}
_NO_WEIGHTS = ("Tokenizer", "Config", "Processor", "FeatureExtractor")


@dataclass(frozen=True)
class Find:
    """One call that breaks a rule: where it is, what it is, and why it matters."""

    file: str
    function: str
    call: str
    reason: str
    line: int


def scan(source: str, file: str = "<text>") -> list[Find]:
    """Every call of a source file that breaks a rule, in the order of its lines."""
    tree = ast.parse(source)
    names = _imports(tree)
    return [
        Find(file, function, name, reason, call.lineno)
        for function, call in _calls(tree, "<module>")
        for name, reason in _faults(call, _dotted(call.func, names))
    ]


def scan_folders(root: Path, folders: tuple[str, ...]) -> list[Find]:
    """The same for every Python file below these folders."""
    return [
        find
        for folder in folders
        for path in sorted((root / folder).rglob("*.py"))
        for find in scan(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())
    ]


def _faults(call: ast.Call, name: str) -> Iterator[tuple[str, str]]:
    keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for known, reason in FORBIDDEN.items():
        if name == known or name.startswith(f"{known}."):
            yield name, reason
    if isinstance(call.func, ast.Attribute) and call.func.attr in FORBIDDEN_METHODS:
        yield f".{call.func.attr}", FORBIDDEN_METHODS[call.func.attr]
    for (keyword, value), reason in FORBIDDEN_KEYWORDS.items():
        if keyword in keywords and _value(keywords[keyword]) is value:
            yield f"{keyword}={value}", reason
    for keyword, value in REQUIRED.get(name, {}).items():
        if keyword not in keywords or _value(keywords[keyword]) != value:
            yield name, f"must say {keyword}={value}"
    for keyword in MENTIONED.get(name, ()):
        if keyword not in keywords and not (keyword == "parser" and len(call.args) > 1):
            yield name, f"must say which {keyword}"
    if name.endswith(".from_pretrained"):
        yield from _pretrained(name, keywords)


def _pretrained(name: str, keywords: Keywords) -> Iterator[tuple[str, str]]:
    required = {"local_files_only": True}
    if not name.removesuffix(".from_pretrained").endswith(_NO_WEIGHTS):
        required["use_safetensors"] = True
    for keyword, value in required.items():
        if keyword not in keywords or _value(keywords[keyword]) is not value:
            yield name, f"must say {keyword}={value}"


def _value(expression: ast.expr) -> object:
    try:
        return ast.literal_eval(expression)
    except ValueError:
        return expression


def _imports(tree: ast.AST) -> dict[str, str]:
    """Local name → full dotted name, of every import of the file wherever it stands."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _dotted(expression: ast.expr, names: Mapping[str, str]) -> str:
    """a.b.c of an attribute chain; its first name stands for what was imported under it."""
    parts: list[str] = []
    while isinstance(expression, ast.Attribute):
        parts.append(expression.attr)
        expression = expression.value
    if not isinstance(expression, ast.Name):
        return ".".join(["", *reversed(parts)])
    return ".".join([names.get(expression.id, expression.id), *reversed(parts)])


def _calls(node: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call, with the name of the function it stands in."""
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(child, ast.Call):
            yield function, child
        yield from _calls(child, inside)
