"""What a piece of text on a sheet is: figure label, reference sign, other number or word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.labels import printed_labels, spell

_SIGN = re.compile(
    r"^(?:[A-Z]{0,3}-?\d{1,5}(?:[.-]\d{1,3})?[a-zA-Z]{0,2}\d?'{0,3}|[a-zA-Z]\d{1,4}'{0,3}|[A-Z]{1,3}'{0,3})$"
)
_NUMERIC = re.compile(r"^[-+±<>≤≥=~]*[\d.,:/%°'x×*-]+\s?(?:[a-zA-Zµμ°%]{1,4}(?:/[a-z]+)?)?$")
_QUANTITY = re.compile(
    r"^\d+[.,]\d+$|^0\d+$|^\d{6,}$|[%°]|^[-+±]\d|^\d+/\d+$|^\d+\s?(?:[mcnkµ]?m|[kmµ]?g|[kmµn]?s|k?Hz|kW|mA|ml|dB)$"
)
#: Short words in capitals that flowcharts print; as letter signs they would be wrong more often than right.
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """YES NO END ON OFF IN OUT UP TO OF OR AND IF BY AT IS IT JA OUI NON SI OK GO NEW SET GET RUN THE FOR NOT ALL
        ADD USE CPU ROM RAM""",
    )
)


@dataclass(frozen=True)
class Role:
    """``name`` is one of schemas.regions.REGION_ROLES; ``sign`` and ``labels`` are in normal form."""

    name: str
    sign: str | None = None
    labels: tuple[str, ...] = ()


def role_of(text: str) -> Role:
    """The role of a text as read. Any string is allowed."""
    plain = spell(text)
    if labels := printed_labels(plain):
        return Role("figure label", labels=labels)
    if sign := as_sign(plain):
        return Role("sign", sign=sign)
    return Role("other number" if _NUMERIC.match(plain) else "word")


def as_sign(text: str) -> str | None:
    """The reference sign in normal form (no brackets, spaces or trailing dots), or None."""
    bare = re.sub(r"\s+", "", text).strip("()[]{}.,:;_~-·")
    if not _SIGN.match(bare) or _QUANTITY.search(text) or bare.upper() in _WORDS:
        return None
    return bare
