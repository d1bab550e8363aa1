"""What readers of the lake may rely on: ``python -m schemas.contract`` records it in tests/schemas/contract.json.

Stored lakes and other people's queries outlive a version of figlake. So a table may grow nullable columns at its
end, which `figlake migrate` adds to a stored lake and which read as null in older files, and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from schemas import TABLES, Table

RECORD = Path(__file__).resolve().parent.parent / "tests" / "schemas" / "contract.json"
#: Table → its key, its partitioning and its columns, each [name, type, whether it is required].
Contract = Mapping[str, Mapping[str, Any]]


def describe(tables: Mapping[str, Table]) -> dict[str, dict[str, Any]]:
    """The contract of these tables, as plain JSON types. Descriptions are no part of it."""
    return {
        name: {
            "key": list(table.key),
            "partition_by": list(table.partition_by),
            "columns": [[f.name, type_text(f.type), not f.nullable] for f in table.schema],
        }
        for name, table in tables.items()
    }


def type_text(kind: pa.DataType) -> str:
    """An Arrow type down to its last element; ``!`` marks what is never null in there."""
    if pa.types.is_list(kind):
        return f"list<{_element(kind.value_field)}>"
    if pa.types.is_map(kind):
        return f"map<{type_text(kind.key_type)}, {_element(kind.item_field)}>"
    if pa.types.is_struct(kind):
        return "struct<" + ", ".join(f"{member.name}: {_element(member)}" for member in kind) + ">"
    return str(kind)


def incompatibilities(old: Contract, new: Contract) -> list[str]:
    """Every way in which ``new`` breaks what readers and stored lakes of ``old`` rely on; none when it only adds."""
    return [
        f"{name}: {problem}"
        for name, before in old.items()
        for problem in (["the table is gone"] if name not in new else _changes(before, new[name]))
    ]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for fact in ("key", "partition_by"):
        if before[fact] != after[fact]:
            yield f"{fact} was {before[fact]} and is {after[fact]}"
    now = {name: (kind, required) for name, kind, required in after["columns"]}
    for name, kind, required in before["columns"]:
        if name not in now:
            yield f"the column {name} is gone"
            continue
        if now[name][0] != kind:
            yield f"{name} was {kind} and is {now[name][0]}"
        if now[name][1] != required:
            yield f"{name} was {'required' if required else 'nullable'} and is not any more"
    known = [name for name, _, _ in before["columns"]]
    for name in now:
        if name not in known and now[name][1]:
            yield f"the new column {name} is required, which rows that are stored cannot meet"
    if [name for name in list(now)[: len(known)] if name in known] != [name for name in known if name in now]:
        yield "its columns stand in another order; new ones belong at the end"


def read(path: Path = RECORD) -> dict[str, dict[str, Any]]:
    """The recorded contract; empty where none has been recorded."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def render(contract: Contract) -> str:
    """The contract as a file: one line for each column, so that a change is one line of a diff."""
    tables = []
    for name, facts in contract.items():
        columns = ",\n".join(f"      {json.dumps(column)}" for column in facts["columns"])
        head = "".join(f'    "{fact}": {json.dumps(facts[fact])},\n' for fact in ("key", "partition_by"))
        tables.append(f'  "{name}": {{\n{head}    "columns": [\n{columns}\n    ]\n  }}')
    return "{\n" + ",\n".join(tables) + "\n}\n"


def main(arguments: list[str], path: Path = RECORD) -> int:
    """Record the tables as they are; refuse what breaks the contract unless ``--break`` says that it may."""
    contract = describe(TABLES)
    broken = incompatibilities(read(path), contract)
    if broken and arguments != ["--break"]:
        sys.stderr.write("".join(f"{problem}\n" for problem in broken))
        sys.stderr.write("stored lakes and queries rely on this; to break it all the same, raise the major version, ")
        sys.stderr.write("say in CHANGELOG.md how a lake is made anew, and run: python -m schemas.contract --break\n")
        return 1
    path.write_text(render(contract), encoding="utf-8")
    return 0


def _element(member: pa.Field) -> str:
    return type_text(member.type) + ("" if member.nullable else "!")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
