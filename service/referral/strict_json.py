"""JSON as the standard defines it, and no more: no duplicate keys, no NaN, no unbounded depth."""

import json
from dataclasses import dataclass
from typing import Any

from service.language.vocabulary import Text
from service.referral.complaints import Complaint, ReferralError

MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Exponent:
    """A number written with an exponent: refused where it stands, so that the complaint can name its field."""

    text: str


def parse(body: bytes) -> Any:
    """The value of a JSON text. Raises ReferralError on anything malformed, in words for whoever sent it."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start
        raise _refused(
            "not_utf8", f"le texte n'est pas de l'UTF-8 (octet {at})", f"the text is not UTF-8 (byte {at})"
        ) from None
    try:
        value = json.loads(text, object_pairs_hook=_distinct, parse_constant=_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        where = f"{error.lineno}:{error.colno}"
        raise _refused(
            "not_json", f"JSON mal formé (ligne:colonne {where})", f"malformed JSON (line:column {where}): {error.msg}"
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        # Python refuses integers of thousands of digits.
        raise _refused("huge_number", "un nombre est trop grand", "a number is too large") from None
    if _depth(value) > MAX_DEPTH:
        raise _too_deep()
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:80]
        raise _refused("duplicate_key", f"la clé « {twice} » est donnée deux fois", f"the key «{twice}» is given twice")
    return result


def _constant(name: str) -> Any:
    raise _refused("not_a_number", f"{name} n'est pas un nombre JSON", f"{name} is not a JSON number")


def _float(text: str) -> float | Exponent:
    if "e" in text or "E" in text:
        return Exponent(text[:40])
    return float(text)


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level and deepest <= MAX_DEPTH:
        deepest += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return deepest


def _refused(code: str, fr: str, en: str) -> ReferralError:
    return ReferralError([Complaint(code, Text(fr, en))])


def _too_deep() -> ReferralError:
    return _refused("too_deep", "JSON imbriqué trop profondément", "JSON nested too deep")


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, plain decimals."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """Whole floats as integers, so that 50 and 50.0 have one text."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
