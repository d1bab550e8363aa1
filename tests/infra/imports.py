"""Which packages a part of figlake needs, from its sources: what its modules import, wherever they import it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OWN = ("schemas", "pipeline", "jobs")


def needed(modules: Iterable[str], without: Iterable[str] = ()) -> set[str]:
    """Top-level modules of other packages that these modules and all that they import from figlake may import.

    ``without``: modules of figlake that are not followed, because this part never gets there.
    """
    seen, found, left = set(without), set(), list(modules)
    while left:
        module = left.pop()
        if module in seen:
            continue
        seen.add(module)
        for name in imported(module):
            top = name.split(".")[0]
            if top in OWN:
                left.append(name)
            elif top not in sys.stdlib_module_names:
                found.add(top)
    return found


@cache
def imported(module: str) -> frozenset[str]:
    """Everything that a module of figlake imports, full names; also inside functions and by ``import_module``."""
    path = source(module)
    if path is None:
        return frozenset()
    found = {".".join(module.split(".")[:n]) for n in range(1, module.count(".") + 1)}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {name for alias in node.names if source(name := f"{node.module}.{alias.name}")}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {str(word.value) for word in node.args if isinstance(word, ast.Constant)}
    return frozenset(found)


def source(module: str) -> Path | None:
    """The file of a module of figlake; None for any other."""
    base = ROOT / module.replace(".", "/")
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def packages(modules: Iterable[str]) -> set[str]:
    """The distributions that bring these modules, in the spelling of the pins."""
    known = packages_distributions()
    return {normal(name) for module in modules for name in known.get(module, [module])[:1]}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
