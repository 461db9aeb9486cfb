"""Changes some values of a YAML text and leaves every other character where it stands.

A committee reads the difference between two versions of a rule file line by line. So a file is never dumped anew: the
parts that differ are replaced at their own places, in the style in which they were written, comments and layout kept.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

import yaml

from service.rulebook.source import read_text

_CONNECTIVES = ("all", "any", "not", "any_lesion", "every_lesion", "count_lesions")
#: texts that a clinician reads are quoted, as everywhere in the rule files
_SPOKEN = ("fr", "en")
#: columns beyond which a new mapping is not written on one line
_WIDTH = 110


class RewriteError(Exception):
    """A value could not be put into the text without changing another one."""


def rewrite(text: str, new: Any) -> str:
    """`text` with the least changed so that it says `new`. The same text when it says so already.

    `text` must be a rule file that reads without a mistake. Raises RewriteError.
    """
    document, mistakes = read_text(text, "")
    if mistakes:
        raise RewriteError(str(mistakes[0]))
    if _same(document.data, new):
        return text
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert root is not None
    editor = _Editor(text, list(_flows(root)))
    editor.value(root, document.data, new, None)
    changed = editor.result()
    read_again, wrong = read_text(changed, "")
    if wrong or not _same(read_again.data, new):
        raise RewriteError(str(wrong[0]) if wrong else "the file would say something else than what was asked for")
    return changed


def _same(one: Any, other: Any) -> bool:
    """Equality that does not take `true` for 1, nor heed the order of keys."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


@dataclass(frozen=True, slots=True, order=True)
class _Edit:
    """What stands between `start` and `end` instead of what stood there. Sorted, edits are in the order of the text."""

    start: int
    end: int
    #: of two insertions at one place the deeper comes first, as it belongs to what ends there
    height: int
    turn: int
    instead: str


@dataclass
class _Editor:
    text: str
    flows: list[tuple[int, int]]
    #: never overlapping
    edits: list[_Edit] = field(default_factory=list)
    depth: int = 0

    def result(self) -> str:
        text = self.text
        for edit in sorted(self.edits, reverse=True):
            text = text[: edit.start] + edit.instead + text[edit.end :]
        return text

    def edit(self, start: int, end: int, instead: str) -> None:
        self.edits.append(_Edit(start, end, -self.depth, len(self.edits), instead))

    def value(self, node: yaml.Node, old: Any, new: Any, key: yaml.Node | None) -> None:
        """Makes the part at `node`, the value of `key` if it stands in a mapping, say `new`."""
        if _same(old, new):
            return
        self.depth += 1
        if isinstance(node, yaml.MappingNode) and isinstance(new, dict) and old and new:
            self.mapping(node, old, new, key)
        elif isinstance(node, yaml.SequenceNode) and isinstance(new, list) and old and new:
            self.sequence(node, old, new)
        else:
            self.replace(node, new, key)
        self.depth -= 1

    # ---- a whole part ----

    def replace(self, node: yaml.Node, new: Any, key: yaml.Node | None) -> None:
        start, end = node.start_mark.index, self.end(node)
        if isinstance(node, yaml.ScalarNode) and not isinstance(new, dict | list):
            self.edit(start, end, scalar(new, style=node.style, flow=self.in_flow(start)))
        elif self.in_flow(start) or (isinstance(node, yaml.CollectionNode) and node.flow_style and key is None):
            self.edit(start, end, flow(new))
        elif key is None:
            self.edit(start, end, block(new, node.start_mark.column))
        else:
            self.edit(self.after_colon(key), end, entry(new, key.start_mark.column))

    # ---- mappings ----

    def mapping(self, node: yaml.MappingNode, old: dict[str, Any], new: dict[str, Any], key: yaml.Node | None) -> None:
        pairs = {of.value: (of, value) for of, value in node.value}
        (first, *others), (renamed, *more) = old, new
        if not others and not more and first != renamed:
            of, value = pairs[first]
            if type(old[first]) is not type(new[renamed]) or not isinstance(old[first], list | dict):
                self.replace(node, new, key)
                return
            self.edit(of.start_mark.index, of.end_mark.index, renamed)
            self.value(value, old[first], new[renamed], of)
            return
        if not old.keys() & new.keys():
            self.replace(node, new, key)
            return
        for name in old.keys() & new.keys():
            of, value = pairs[name]
            self.value(value, old[name], new[name], of)
        kept = [name for name in old if name in new]
        spans = [(of.start_mark.index, self.end(value)) for of, value in node.value]
        names = list(old)
        self.remove(spans, [at for at, name in enumerate(names) if name not in new], in_line=bool(node.flow_style))
        for name, before in _added(list(new), kept):
            written = f"{name}: {flow(new[name])}"
            column = node.value[0][0].start_mark.column
            if before is None:
                place = spans[names.index(kept[0])][0]
                text = written + ", " if node.flow_style else _keyed(name, new[name], column) + "\n" + " " * column
                self.edit(place, place, text)
            elif node.flow_style:
                place = spans[names.index(before)][1]
                self.edit(place, place, ", " + written)
            else:
                place = self.end_of_line(spans[names.index(before)][1])
                self.edit(place, place, "\n" + " " * column + _keyed(name, new[name], column))

    def remove(self, spans: Sequence[tuple[int, int]], gone: Sequence[int], *, in_line: bool) -> None:
        """Takes entries out, with the comments above them and what parts them from their neighbours."""
        for first, last in _runs(gone):
            start, end = spans[first][0], spans[last][1]
            if not first or (in_line and last + 1 < len(spans)):
                # The first one shares its line with what stands before it: a dash, a bracket or the margin.
                self.edit(start, spans[last + 1][0], "")
            elif in_line:
                self.edit(spans[first - 1][1], end, "")
            else:
                self.edit(self.end_of_line(spans[first - 1][1]), self.end_of_line(end), "")

    # ---- lists ----

    def sequence(self, node: yaml.SequenceNode, old: list[Any], new: list[Any]) -> None:
        spans = [(self.dash(part, node), self.end(part)) for part in node.value]
        changes = list(_aligned(old, new))
        gone = [at for i1, i2, _, _, together in changes for at in range(i1 + together, i2)]
        if len(gone) == len(old):
            # Nothing is left for the new entries to stand beside: the list is written anew where it stands.
            afresh = flow(new) if node.flow_style else block(new, node.start_mark.column)
            self.edit(node.start_mark.index, self.end(node), afresh)
            return
        for i1, _, j1, j2, together in changes:
            for step in range(together):
                self.value(node.value[i1 + step], old[i1 + step], new[j1 + step], None)
            self.insert(node, spans, i1 + together, new[j1 + together : j2])
        self.remove(spans, gone, in_line=bool(node.flow_style))

    def insert(self, node: yaml.SequenceNode, spans: Sequence[tuple[int, int]], at: int, parts: list[Any]) -> None:
        """Puts `parts` before entry `at` of the list, or at its end."""
        if not parts:
            return
        if node.flow_style:
            written = ", ".join(flow(part) for part in parts)
            place = spans[at - 1][1] if at else spans[0][0]
            self.edit(place, place, f", {written}" if at else f"{written}, ")
            return
        column = node.start_mark.column
        gap = "\n\n" if self.spaced(spans) or any("id" in part for part in parts if isinstance(part, dict)) else "\n"
        rows = [f"- {block(part, column + 2)}" for part in parts]
        if at:
            place = self.end_of_line(spans[at - 1][1])
            self.edit(place, place, "".join(gap + " " * column + row for row in rows))
        else:
            place = spans[0][0]
            self.edit(place, place, "".join(row + gap + " " * column for row in rows))

    # ---- places ----

    def dash(self, part: yaml.Node, node: yaml.SequenceNode) -> int:
        start: int = part.start_mark.index
        return start if node.flow_style else self.text.rindex("-", 0, start)

    def spaced(self, spans: Sequence[tuple[int, int]]) -> bool:
        """Whether empty lines part the entries."""
        gaps = (self.text[end:start] for (_, end), (start, _) in pairwise(spans))
        return any(re.search(r"\n[ \t]*\n", gap) for gap in gaps)

    def end(self, node: yaml.Node) -> int:
        """Where a part ends, without the empty lines and comments that follow it."""
        if not isinstance(node, yaml.CollectionNode) or node.flow_style:
            end: int = node.end_mark.index
            return node.start_mark.index + len(self.text[node.start_mark.index : end].rstrip())
        last = node.value[-1]
        return self.end(last[1] if isinstance(node, yaml.MappingNode) else last)

    def end_of_line(self, place: int) -> int:
        found = self.text.find("\n", place)
        return len(self.text) if found < 0 else found

    def after_colon(self, key: yaml.Node) -> int:
        return self.text.index(":", key.end_mark.index) + 1

    def in_flow(self, place: int) -> bool:
        """Whether a part at `place` stands inside brackets or braces."""
        return any(start < place < end for start, end in self.flows)


def _flows(node: yaml.Node) -> Iterator[tuple[int, int]]:
    if not isinstance(node, yaml.CollectionNode):
        return
    if node.flow_style:
        yield node.start_mark.index, node.end_mark.index
        return
    for part in node.value:
        yield from _flows(part[1] if isinstance(part, tuple) else part)


def _added(new: list[str], kept: list[str]) -> Iterator[tuple[str, str | None]]:
    """The keys that are new, with the kept key after which each stands."""
    before: str | None = None
    for name in new:
        if name in kept:
            before = name
        else:
            yield name, before


def _aligned(old: Sequence[Any], new: Sequence[Any]) -> Iterator[tuple[int, int, int, int, int]]:
    """Which entries of `old` became which of `new`: (i1, i2, j1, j2, how many of them pair by pair from the start).

    First what says the same or bears the same name; what lies between, by what it speaks of; the rest by its place.
    """
    matcher = SequenceMatcher(None, [_identity(part) for part in old], [_identity(part) for part in new], False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "replace":
            yield i1, i2, j1, j2, min(i2 - i1, j2 - j1)
            continue
        shapes = SequenceMatcher(
            None, [_shape(part) for part in old[i1:i2]], [_shape(part) for part in new[j1:j2]], False
        )
        for _, a1, a2, b1, b2 in shapes.get_opcodes():
            together = min(a2 - a1, b2 - b1)
            if together and _named(old[i1 + a1]) != _named(new[j1 + b1]):
                together = 0
            yield i1 + a1, i1 + a2, j1 + b1, j1 + b2, together


def _shape(part: Any) -> str:
    """What an entry speaks of: the name of a rule, the joint of a condition, the item of a criterion."""
    if isinstance(part, dict):
        return f"#{_named(part) or next(iter(part), None)}"
    words = [word for word in str(part).split() if word != "not"]
    return words[0] if words else ""


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Places that follow each other, as (first, last)."""
    start = 0
    for at in range(len(places)):
        if at + 1 == len(places) or places[at + 1] != places[at] + 1:
            yield places[start], places[at]
            start = at + 1


def _named(part: Any) -> str | None:
    return part.get("id") or part.get("rule") if isinstance(part, dict) else None


def _identity(part: Any) -> str:
    """By what an entry is known again: a rule by its name, anything else by what it says."""
    name = _named(part)
    return f"#{name}" if name else json.dumps(part, sort_keys=True, ensure_ascii=False)


# ---- writing values --------------------------------------------------------------------------------------------------


def scalar(value: Any, *, style: str | None = None, flow: bool = False) -> str:
    """One value on one line: bare when a reader takes it for the same, else in quotes of the `style` it had."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return plain_number(value)
    text = str(value)
    if style == "'" and "\n" not in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    if style != '"' and _bare(text, flow=flow):
        return text
    return quoted(text)


def quoted(text: str) -> str:
    # YAML would fold these line ends, and refuse these signs that nobody sees.
    written = json.dumps(text, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda sign: f"\\u{ord(sign.group()):04x}", written)


def plain_number(value: float) -> str:
    """A number as rule files write it: no exponent, no needless decimals."""
    if isinstance(value, int) or float(value).is_integer():
        return str(int(value))
    written = f"{value:.15g}"
    return written if "e" not in written else f"{value:.15f}".rstrip("0")


def _bare(text: str, *, flow: bool) -> bool:
    if not text or "\n" in text or ": " in text:
        return False
    document, mistakes = read_text(f"[{text}]" if flow else f"- {text}", "")
    return not mistakes and document.data == [text]


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_spoken(key, part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(part) for part in value) + "]"
    return scalar(value, flow=True)


def _spoken(key: str, value: Any) -> str:
    return quoted(value) if key in _SPOKEN and isinstance(value, str) else flow(value)


def block(value: Any, column: int) -> str:
    """A value over several lines, of which all but the first are indented to `column`."""
    if isinstance(value, dict) and not _short(value, column):
        return ("\n" + " " * column).join(_keyed(key, part, column) for key, part in value.items())
    if isinstance(value, list) and value and not _short(value, column):
        return ("\n" + " " * column).join(f"- {block(part, column + 2)}" for part in value)
    return flow(value) if isinstance(value, dict | list) else scalar(value)


def _keyed(key: str, value: Any, column: int) -> str:
    if key in _SPOKEN and isinstance(value, str):
        return f"{key}: {quoted(value)}"
    return f"{key}:{entry(value, column)}"


def entry(value: Any, column: int) -> str:
    """What stands after the colon of a key at `column`."""
    written = block(value, column + 2)
    several = isinstance(value, dict | list) and value and not _short(value, column + 2)
    return "\n" + " " * (column + 2) + written if several else " " + written


def _short(value: Any, column: int) -> bool:
    """Whether a mapping or list is better read on one line: a few words, never a part of a condition or a sentence."""
    if isinstance(value, dict) and (_SPOKEN[0] in value or any(key in _CONNECTIVES for key in value)):
        return False
    parts = value.values() if isinstance(value, dict) else value
    simple = all(not isinstance(part, dict) for part in parts)
    if isinstance(value, list):
        simple = all(isinstance(part, str) and " " not in part for part in parts)
    return simple and column + len(flow(value)) <= _WIDTH
