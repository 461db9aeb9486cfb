"""YAML with places: plain data, and for every key and value the line and column where it stands.

Only what rule files need is accepted: mappings with distinct text keys, lists, and scalars. Anchors, aliases and
tags are refused: they let a small file grow without bound, and a reader should see what a rule says where it stands.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from service.language.errors import Mistake

Keys: TypeAlias = tuple[str | int, ...]

#: One rule file; far above any real one, far below what would hurt.
MAX_BYTES = 1_000_000
MAX_DEPTH = 30

# Of longer ones Python makes no number, or infinity: they stay texts, which no field of a number takes.
_INTEGER = re.compile(r"[-+]?\d{1,30}\Z")
_DECIMAL = re.compile(r"[-+]?\d{1,30}\.\d{1,30}\Z")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}

# libyaml's parser when PyYAML was built with it, the pure Python one otherwise: same nodes.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its data, and where each part of it stands (line and column from 1)."""

    name: str
    data: Any
    places: Mapping[Keys, tuple[int, int]]
    #: as it was read; what it may declare is looked for here when `data` is of no use
    text: str = ""

    def mistake(
        self, keys: Keys, message: str, *, shift: int = 0, offender: str = "", suggestion: str | None = None
    ) -> Mistake:
        """A mistake at `keys`, or at the nearest enclosing part that has a place; `shift` columns into its text."""
        found = keys
        while found and found not in self.places:
            found = found[:-1]
        line, column = self.places.get(found, (1, 1))
        return Mistake(self.name, line, column + shift, message, offender, suggestion)


def rule_files(directory: Path) -> dict[str, bytes]:
    """Every `.yaml` file below `directory` by its name within it, as it stands. Raises NotADirectoryError, OSError."""
    if not directory.is_dir():
        raise NotADirectoryError(f"{directory}: no such directory")
    return {path.relative_to(directory).as_posix(): _bounded(path) for path in sorted(directory.rglob("*.y*ml"))}


def _bounded(path: Path) -> bytes:
    """A file's content, cut one byte above the limit, so that `read_bytes` refuses it."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def read(path: Path, name: str) -> tuple[Document, list[Mistake]]:
    """One YAML file as a Document, with the mistakes of its form. Never raises on bad content; OSError as `open` does."""
    return read_bytes(_bounded(path), name)


def read_bytes(content: bytes, name: str) -> tuple[Document, list[Mistake]]:
    """One YAML file as a Document, with the mistakes of its form. Never raises on bad content."""
    if len(content) > MAX_BYTES:
        return Document(name, None, {}), [Mistake(name, 1, 1, f"larger than {MAX_BYTES} bytes")]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        read_anyway = content.decode("utf-8", errors="replace")
        return Document(name, None, {}, read_anyway), [Mistake(name, 1, 1, f"not UTF-8 at byte {error.start}")]
    return read_text(text, name)


def read_text(text: str, name: str) -> tuple[Document, list[Mistake]]:
    unusable = Document(name, None, {}, text)
    try:
        anchors, tags, deep = _refused(text, name)
        if deep:
            return unusable, [*anchors, *tags, deep]
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not readable"
        if any(row[column - 1 :].startswith("\t") for row in text.splitlines()[line - 1 : line]):
            problem = "a tab stands here; indent with spaces"
        return unusable, [Mistake(name, line, column, f"not valid YAML: {problem}")]
    except RecursionError:
        return unusable, [Mistake(name, 1, 1, "nested too deep")]
    if root is None:
        return unusable, [Mistake(name, 1, 1, "the file is empty")]
    if anchors:
        return unusable, anchors + tags
    reader = _Reader(name)
    data = reader.value(root, ())
    return Document(name, data, reader.places, text), tags + reader.mistakes


def _refused(text: str, name: str) -> tuple[list[Mistake], list[Mistake], Mistake | None]:
    """Every anchor and every tag, up to what is nested too deep. An alias needs an anchor, so there is none without one.

    Looked for before the nodes are made: libyaml makes those by recursion in C, which ends the process when it is deep.
    """
    anchors: list[Mistake] = []
    tags: list[Mistake] = []
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        mark = event.start_mark
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if not isinstance(event, yaml.NodeEvent) or mark is None:
            continue
        place = (name, mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.CollectionStartEvent):
            if depth > MAX_DEPTH:
                return anchors, tags, Mistake(*place, "nested too deep")
            depth += 1
        if isinstance(event, yaml.AliasEvent):
            continue
        if anchor:
            anchors.append(Mistake(*place, "anchors and aliases are not used in rule files", f"&{anchor}"))
        elif tag:
            tags.append(Mistake(*place, "tags are not used in rule files", str(tag)))
    return anchors, tags, None


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[Keys, tuple[int, int]] = {}
        self.mistakes: list[Mistake] = []

    def value(self, node: yaml.Node, keys: Keys) -> Any:
        # A quoted text begins one column after its quote.
        quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
        self.places[keys] = (node.start_mark.line + 1, node.start_mark.column + 1 + quoted)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, keys)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*keys, at)) for at, item in enumerate(node.value)]
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, keys: Keys) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                self.complain(key_node, "a key must be a text")
                continue
            if key in data:
                self.complain(key_node, "given twice", key)
            data[key] = self.value(value_node, (*keys, key))
        return data

    def scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        # Plain scalars have the style None or "", by parser.
        if getattr(node, "style", None):
            return text
        # YAML 1.1 would read `no`, `on` or `1:30` as something else than a text: only what is listed here is converted.
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.match(text):
            return int(text)
        if _DECIMAL.match(text):
            return float(text)
        return text

    def complain(self, node: yaml.Node, message: str, offender: str = "") -> None:
        mark = node.start_mark
        self.mistakes.append(Mistake(self.name, mark.line + 1, mark.column + 1, message, offender))
