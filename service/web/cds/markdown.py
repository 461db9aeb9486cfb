"""Text inside a card's markdown: whatever it holds, it is read as text.

EHRs render cards with different programs, and some let HTML through. What came with a patient (an identifier of a
resource, a name of a drug) could close a table, forge a link or run a script there. So nothing that markdown or HTML
would act upon is left as it was.
"""

import re
import unicodedata

LONGEST = 400
_ACTED_UPON = re.compile(r"([\\`*_\[\]|~!])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: what markdown turns into a link without being asked: a scheme, an address, a name with a dot in it
_BY_ITSELF = re.compile(r"(?<=:)(?=//)|(?<=@)|(?<=[^\W\d_]\.)(?=[^\W\d_])", re.UNICODE)
_NO_SPACE = "\u200b"
#: what begins a heading, a list or a line of table, when it comes first
_BEGINS = re.compile(r"\d+(?=[.)](?:\s|\Z))|(?=[#+\-=:])")
#: characters that are not seen, or that turn the direction of what is
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(text: object, longest: int = LONGEST) -> str:
    """One line of visible characters, cut when it is too long."""
    seen = "".join(" " if unicodedata.category(each) in _UNSEEN else each for each in str(text)[: 4 * longest])
    line = " ".join(seen.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def escaped(text: object, longest: int = LONGEST) -> str:
    """`text` as it may stand in a cell, in a list or in a sentence of a card."""
    line = _BY_ITSELF.sub(_NO_SPACE, plain(text, longest))
    line = "".join(_HTML.get(each, each) for each in _ACTED_UPON.sub(r"\\\1", line))
    start = _BEGINS.match(line)
    return line if start is None else f"{start.group()}\\{line[start.end() :]}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table whose cells are escaped already; an empty cell says so."""
    lines = [head, ["---"] * len(head), *([cell or "–" for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
