"""Lexical queries as people write them: ``text:windmill AND section:description``, ``part:"load arm" NOT sign:12``.

AND, OR and NOT in capitals, AND where nothing stands; a minus is NOT; brackets; a field before a word, a phrase or
brackets; ``"two words"`` a phrase, ``"two words"~3`` with up to three words between; ``wind*`` and ``b?re`` any ending
and any letter. Without a field the words are looked for in sentences, part names, captions and titles.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.search.lexical import NAME_FIELDS, WORD_FIELDS, analysers, schema

if TYPE_CHECKING:
    import tantivy

#: Where a word without a field is looked for, and how much a match there counts.
_DEFAULT = {"text": 1.0, "part": 1.0, "caption": 1.2, "title": 0.8}
_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<minus>-)(?=[\w"(*?])|(?P<field>[A-Za-z_]+):(?=\S)"""
    r"""|"(?P<phrase>[^"]*)"(?:~(?P<slop>\d{1,2}))?|(?P<word>[^\s()":]+)|(?P<bad>\S))"""
)
#: Letters that stemming may take off a word.
_LONGEST_ENDING = 3
_EXAMPLE = 'an example: text:windmill AND section:description NOT part:"load arm"'


@dataclass(frozen=True)
class _Token:
    kind: str
    value: str
    at: int
    slop: int = 0


def parse(text: str) -> tantivy.Query:
    """The query that a text spells. Raises UsageError that says where it goes wrong."""
    return _Parser(text).whole()


def plain_words(text: str) -> str:
    """The words of a query that may be found in sentences and part names, to say why a figure was found."""
    found, field, negated = [], "", False
    for token in _tokens(text):
        if token.kind == "field":
            field = token.value
        elif token.kind == "minus" or token.value == "NOT":
            negated = True
        elif token.kind in ("word", "phrase") and token.value not in ("AND", "OR"):
            if not negated and field in ("", "text", "part", "caption", "sign"):
                found.append(token.value.replace("*", "").replace("?", ""))
            field, negated = "", False
    return " ".join(found)


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while match := _TOKEN.match(text, at):
        kind = str(match.lastgroup if match.lastgroup != "slop" else "phrase")
        if kind == "bad":
            _fail(text, match.start("bad"), f"{match['bad']!r} stands where a word, a phrase or a bracket belongs")
        found.append(_Token(kind, match[kind], match.start(kind), int(match["slop"] or 0)))
        at = match.end()
    return found


def _fail(text: str, at: int, why: str) -> None:
    raise UsageError(f"the query {text!r} cannot be read at character {at + 1}: {why}; {_EXAMPLE}")


class _Parser:
    """Recursive descent, one method a rule."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.place = text, _tokens(text), 0

    def whole(self) -> tantivy.Query:
        if not self.tokens:
            raise UsageError(f"the lexical query is empty; {_EXAMPLE}")
        found = self.any_of("")
        if self.place < len(self.tokens):
            self.fail("this bracket was never opened")
        return found

    def any_of(self, field: str) -> tantivy.Query:
        """A OR b OR c."""
        from tantivy import Occur, Query

        parts = [self.all_of(field)]
        while self.word() == "OR":
            self.place += 1
            parts.append(self.all_of(field))
        return parts[0] if len(parts) == 1 else Query.boolean_query([(Occur.Should, part) for part in parts])

    def all_of(self, field: str) -> tantivy.Query:
        """A AND b NOT c."""
        from tantivy import Occur, Query

        parts = [self.one(field)]
        while self.place < len(self.tokens) and self.tokens[self.place].kind != "close" and self.word() != "OR":
            if self.word() == "AND":
                self.place += 1
            parts.append(self.one(field))
        wanted = [(Occur.Must, query) for query, negated in parts if not negated]
        unwanted = [(Occur.MustNot, query) for query, negated in parts if negated]
        if len(wanted) == 1 and not unwanted:
            return wanted[0][1]
        # Something must be there for something to be taken from.
        return Query.boolean_query([*(wanted or [(Occur.Must, Query.all_query())]), *unwanted])

    def one(self, field: str) -> tuple[tantivy.Query, bool]:
        """A word, phrase or bracket, and whether it is negated."""
        negated = False
        while self.word() == "NOT" or self.kind() == "minus":
            negated, self.place = not negated, self.place + 1
        if self.kind() == "field":
            field = self.field()
        token = self.tokens[self.place] if self.place < len(self.tokens) else None
        if token is None or token.kind in ("close", "field") or token.value in ("AND", "OR"):
            self.fail("a word, a phrase or a bracket is missing")
        assert token is not None  # noqa: S101 - fail has raised
        self.place += 1
        if token.kind == "open":
            found = self.any_of(field)
            if self.kind() != "close":
                self.fail("a bracket is never closed")
            self.place += 1
            return found, negated
        return _in_fields(field, lambda name: _leaf(name, token)), negated

    def field(self) -> str:
        name = self.tokens[self.place].value
        if name not in (*WORD_FIELDS, *NAME_FIELDS):
            self.fail(f"there is no field {name!r}; the fields are {', '.join((*WORD_FIELDS, *NAME_FIELDS))}")
        self.place += 1
        return name

    def kind(self) -> str:
        return self.tokens[self.place].kind if self.place < len(self.tokens) else ""

    def word(self) -> str:
        token = self.tokens[self.place] if self.place < len(self.tokens) else None
        return token.value if token and token.kind == "word" else ""

    def fail(self, why: str) -> None:
        at = self.tokens[self.place].at if self.place < len(self.tokens) else len(self.text)
        _fail(self.text, at, why)


def _in_fields(field: str, leaf: Callable[[str], tantivy.Query]) -> tantivy.Query:
    from tantivy import Query

    if field:
        return leaf(field)
    return Query.disjunction_max_query([Query.boost_query(leaf(name), boost) for name, boost in _DEFAULT.items()])


def _leaf(field: str, token: _Token) -> tantivy.Query:
    """A word or phrase in one field."""
    from tantivy import Query

    if field in NAME_FIELDS:
        (name,) = analysers()["names"].analyze(token.value) or [""]
        return _wild(field, name) if set(name) & set("*?") else Query.term_query(schema(), field, name)
    if token.kind == "word" and set(token.value) & set("*?"):
        return _wild_word(field, token.value)
    terms = analysers()["words"].analyze(token.value)
    if not terms:
        return Query.empty_query()
    if len(terms) == 1:
        return Query.term_query(schema(), field, terms[0])
    return Query.phrase_query(schema(), field, list(terms), token.slop)


def _wild_word(field: str, word: str) -> tantivy.Query:
    """Terms are stems: the pattern, or the stem of the word as it stands (``windmills*`` finds windmill, too)."""
    from tantivy import Occur, Query

    pieces = [p if p in "*?" else "".join(analysers()["folded"].analyze(p)) for p in re.split(r"([*?])", word)]
    pattern = "".join(_regex(piece) for piece in pieces[:-1]) + _stemmed(pieces[-1])
    stems = analysers()["words"].analyze(word.replace("*", "").replace("?", ""))
    whole = [Query.term_query(schema(), field, stem) for stem in stems if word.endswith("*") and len(stems) == 1]
    return Query.boolean_query(
        [(Occur.Should, query) for query in (Query.regex_query(schema(), field, pattern), *whole)]
    )


def _stemmed(ending: str) -> str:
    """A pattern for the end of a word that its stem may lack: windmill as windmil."""
    kept = max(1, len(ending) - _LONGEST_ENDING)
    pattern = ""
    for letter in reversed(ending[kept:]):
        pattern = f"({re.escape(letter)}{pattern})?"
    return re.escape(ending[:kept]) + pattern


def _wild(field: str, pattern: str) -> tantivy.Query:
    from tantivy import Query

    return Query.regex_query(schema(), field, _regex(pattern))


def _regex(pattern: str) -> str:
    return "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
