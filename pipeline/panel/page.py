"""A panel as one HTML file: the figure with its parts named, the list of signs, the sentences."""

from __future__ import annotations

import base64
import io
import re
from html import escape
from pathlib import Path
from typing import Any

from pipeline.panel.facts import Mark, Panel, is_weak
from pipeline.panel.layout import Caption
from pipeline.panel.picture import captions_of, colour_of

_STYLE = """
:root{--ink:#20242a;--line:#d9dde3;--known:#1464aa;--unknown:#b85a14;--glow:#fff2b8}
*{box-sizing:border-box}body{margin:0;font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:#fff}
header{padding:14px 20px;border-bottom:1px solid var(--line)}h1{font-size:19px;margin:0}
header p{margin:2px 0 0;color:#59616c}
main{display:grid;grid-template-columns:minmax(0,3fr) minmax(300px,2fr)}
.figure{padding:16px 20px;position:sticky;top:0;align-self:start}.figure svg{width:100%;max-height:88vh}
aside{border-left:1px solid var(--line);padding:6px 18px 30px}h2{font-size:15px;margin:18px 0 6px}
table{border-collapse:collapse;width:100%}td{padding:3px 6px;border-bottom:1px solid #eef0f3;vertical-align:top}
td:first-child{font-weight:600;white-space:nowrap}.also{color:#6a727d}li{margin:0 0 8px}ol{padding-left:20px;margin:0}
mark{background:none;color:var(--known);font-weight:600}.on{background:var(--glow)}rect.on{fill:#ffd84d;fill-opacity:.45}
.key{display:inline-block;width:14px;height:11px;border:2px solid #1464aa;margin:0 5px 0 2px}summary{cursor:pointer}
.absent{color:var(--unknown)}.weak{opacity:.62}@media(max-width:800px){main{display:block}aside{border:0}.figure{position:static}}
"""
_SCRIPT = """
for(const e of document.querySelectorAll('[data-sign]'))for(const [t,on] of [['mouseenter',1],['mouseleave',0]])
e.addEventListener(t,()=>{const s=e.dataset.sign;for(const o of document.querySelectorAll('[data-sign]'))
if(o.dataset.sign===s)o.classList.toggle('on',!!on)});
"""


def write_page(panel: Panel, path: Path) -> None:
    """Write the page, one file without outside references. Raises OSError when it cannot be written."""
    name = f"Figure {panel.label}" if panel.label else panel.figure_id
    body = (
        f"<header><h1>{escape(panel.doc_id)} · {escape(name)}</h1><p>{escape(panel.title)}"
        f"{' — ' + escape(panel.caption) if panel.caption else ''}</p></header>"
        f"<main><section class='figure'>{_figure(panel)}</section>"
        f"<aside><h2>Reference signs</h2>{_legend(panel)}{_signs(panel)}"
        f"<h2>Sentences about this figure</h2>{_sentences(panel)}"
        f"<p class='also'>{'release ' + escape(panel.release) if panel.release else 'newest tables'}</p></aside></main>"
    )
    path.write_text(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{escape(panel.doc_id)} {escape(name)}</title><style>{_STYLE}</style>{body}<script>{_SCRIPT}</script>",
        encoding="utf-8",
    )


def _figure(panel: Panel) -> str:
    captions, size = captions_of(panel)
    height, width = panel.drawing.shape
    shapes = "".join(_box(mark) for mark in panel.marks) + "".join(_name(caption, size) for caption in captions)
    known = ", ".join(dict.fromkeys(mark.says for mark in panel.marks)) or "no reference signs read"
    label = f"Figure {panel.label or panel.figure_id}: {panel.caption or panel.title}. {known}"
    return (
        f"<svg role='img' aria-label='{escape(label, True)}' viewBox='0 0 {width} {height}' "
        f"font-family='system-ui,sans-serif' font-size='{size}'>"
        f"<image width='{width}' height='{height}' href='data:image/png;base64,{_png(panel)}'/>{shapes}</svg>"
    )


def _box(mark: Mark) -> str:
    x0, y0, x1, y1 = mark.box
    colour = "#{:02x}{:02x}{:02x}".format(*colour_of(mark))
    dashes = " stroke-dasharray='8 5'" if mark.read_as else ""
    return (
        f"<rect data-sign='{escape(mark.sign, True)}' x='{x0 - 3:.0f}' y='{y0 - 3:.0f}' width='{x1 - x0 + 6:.0f}' "
        f"height='{y1 - y0 + 6:.0f}' fill='transparent' stroke='{colour}' stroke-width='3'{dashes}>"
        f"<title>{escape(mark.says)}</title></rect>"
    )


def _name(caption: Caption, size: int) -> str:
    return (
        f"<rect x='{caption.x:.0f}' y='{caption.y:.0f}' width='{caption.width:.0f}' height='{caption.height:.0f}' "
        f"rx='4' fill='#e8f2fc'/><text x='{caption.x + 4:.0f}' y='{caption.y + caption.height / 2 + size * 0.35:.0f}' "
        f"fill='#1464aa' textLength='{caption.width - 8:.0f}' lengthAdjust='spacingAndGlyphs'>{escape(caption.text)}"
        f"</text>"
    )


def _signs(panel: Panel) -> str:
    read = {mark.sign for mark in panel.marks if not mark.stray}
    readings: dict[str, list[str]] = {}
    for mark in panel.marks:
        if mark.read_as:
            readings.setdefault(mark.sign, []).append(mark.read_as)
    rows = [
        f"<tr data-sign='{escape(sign['sign'], True)}'><td>{escape(sign['sign'])}</td><td>{escape(sign['term'])}"
        + (f" <span class='also'>also: {escape(', '.join(sign['alternates']))}</span>" if sign["alternates"] else "")
        + ("" if sign["sign"] in read else " <span class='also'>(not read in this figure)</span>")
        + "".join(f" <span class='also'>(read as {escape(text)})</span>" for text in readings.get(sign["sign"], ()))
        + "</td></tr>"
        for sign in panel.signs
    ]
    unknown = sorted(read - {sign["sign"] for sign in panel.signs}, key=lambda sign: (len(sign), sign))
    rows += [
        f"<tr data-sign='{escape(sign, True)}'><td class='absent'>{escape(sign)}</td>"
        f"<td class='absent'>not named in the text</td></tr>"
        for sign in unknown
    ]
    return f"<table>{''.join(rows)}</table>" if rows else "<p>none read</p>"


def _legend(panel: Panel) -> str:
    """What the colours say that occur."""
    kinds = {
        "not named in the text": any(not m.term and not m.stray for m in panel.marks),
        "more likely no sign": any(m.stray for m in panel.marks),
        "reading corrected by the text": any(m.read_as for m in panel.marks),
    }
    styles = ("border-color:#be5a14", "border-color:#969696", "border-style:dashed")
    items = [
        f"<span class='key' style='{style}'></span>{words} "
        for (words, occurs), style in zip(kinds.items(), styles, strict=True)
        if occurs
    ]
    return f"<p class='also'>{''.join(items)}</p>" if items else ""


def _sentences(panel: Panel) -> str:
    """Strong links, and the weak ones folded away."""
    strong = [_item(sentence) for sentence in panel.sentences if not is_weak(sentence)]
    weak = [_item(sentence) for sentence in panel.sentences if is_weak(sentence)]
    shown = f"<ol>{''.join(strong)}</ol>" if strong else "<p>none linked</p>"
    if not weak:
        return shown
    return (
        f"{shown}<details><summary>{len(weak)} more, less likely about this figure</summary>"
        f"<ol class='weak'>{''.join(weak)}</ol></details>"
    )


def _item(sentence: dict[str, Any]) -> str:
    return f"<li>{_marked(sentence['text'], sentence['signs'])}</li>"


def _marked(text: str, signs: list[str]) -> str:
    """The sentence with each of its signs marked where it stands as a word of its own."""
    if not signs:
        return escape(text)
    longest_first = sorted(signs, key=len, reverse=True)
    pattern = re.compile(r"(?<![\w.])(" + "|".join(map(re.escape, longest_first)) + r")(?![\w'])")
    pieces = pattern.split(text)
    return "".join(
        f"<mark data-sign='{escape(piece, True)}'>{escape(piece)}</mark>" if i % 2 else escape(piece)
        for i, piece in enumerate(pieces)
    )


def _png(panel: Panel) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(panel.drawing).convert("1").save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()
