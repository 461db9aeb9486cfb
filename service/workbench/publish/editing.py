"""Changes a value of a YAML file where it stands: comments, order and layout of everything else stay as they are.

Every edit is read back: the file then says what it said, but for the values that were to change, or nothing is edited.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal, TypeAlias

import yaml

from service.language.vocabulary import Text
from service.rulebook.source import read_text

Keys: TypeAlias = tuple[str, ...]
Value: TypeAlias = str | Sequence[str]


class CannotEdit(Exception):
    """The file is laid out in a way in which a value cannot be changed by place. Its text says which, and how to mend it."""


def with_values(text: str, name: str, values: Mapping[Keys, Value], plain: frozenset[Keys] = frozenset()) -> str:
    """`text` with another value at each of these keys. Those of `plain` are written without quotes. Raises CannotEdit."""
    root = _root(text, name)
    spans = []
    for keys, value in values.items():
        node = _at(root, keys, name)
        spans.append((node.start_mark.index, _end(node, text), str(value) if keys in plain else _quoted(value)))
    edited = text
    for start, end, written in sorted(spans, reverse=True):
        edited = edited[:start] + written + edited[end:]
    wanted = _data(text, name)
    for keys, value in values.items():
        inner = wanted
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value if isinstance(value, str) else list(value)
    return _read_back(edited, name, wanted)


def with_release(text: str, name: str, version: str, day: date, approved_by: Sequence[str], changes: Text) -> str:
    """The text of a changelog with one more release, before the others. Raises CannotEdit."""
    releases = _at(_root(text, name), ("releases",), name)
    assert isinstance(releases, yaml.SequenceNode)
    if releases.value and releases.flow_style:
        raise CannotEdit(f"{name}: write each entry of `releases` on lines of its own, beginning with «- »")
    indent = releases.value[0].start_mark.column - len("- ") if releases.value else len("  ")
    entry = _entry(indent, version, day, approved_by, changes)
    line = releases.start_mark.line
    lines = text.splitlines(keepends=True)
    if releases.value:
        # Comments above the entry that was first speak of it: they stay with it.
        line = _line_of_key(text, name)
    else:
        start, end = releases.start_mark.index, releases.end_mark.index
        lines = (text[:start].rstrip(" ") + text[end:]).splitlines(keepends=True)
    if not lines[line].endswith("\n"):
        lines[line] += "\n"
    lines.insert(line + 1, entry)
    edited = "".join(lines)
    told = {
        "version": version,
        "date": day.isoformat(),
        "approved_by": list(approved_by),
        "changes": {"fr": changes.fr, "en": changes.en},
    }
    before = _data(text, name)
    return _read_back(edited, name, {**before, "releases": [told, *before["releases"]]})


def _entry(indent: int, version: str, day: date, approved_by: Sequence[str], changes: Text) -> str:
    first, rest = " " * indent + "- ", " " * (indent + len("- "))
    lines = [
        f"{first}version: {version}",
        f'{rest}date: "{day.isoformat()}"',
        f"{rest}approved_by: {_quoted(approved_by)}",
        f"{rest}changes:",
        *_text("fr", changes.fr, rest + "  "),
        *_text("en", changes.en, rest + "  "),
    ]
    return "".join(f"{line}\n" for line in lines)


def _text(language: Literal["fr", "en"], text: str, indent: str) -> list[str]:
    """One line as a quoted text, several as a block that reads as they are."""
    lines = text.split("\n")
    if len(lines) == 1:
        return [f"{indent}{language}: {_quoted(text)}"]
    return [f"{indent}{language}: |-", *(f"{indent}  {line}" if line else "" for line in lines)]


def _quoted(value: Value) -> str:
    """As YAML reads it back, whatever stands in it: a JSON text is a double-quoted one."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"[{', '.join(map(_quoted, value))}]"


# ---- places ------------------------------------------------------------------------------------------------------


def _root(text: str, name: str) -> yaml.Node:
    # The parser in Python counts characters, as `str` does.
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None:
        raise CannotEdit(f"{name}: the file is empty")
    return root


def _at(root: yaml.Node, keys: Keys, name: str) -> yaml.Node:
    node = root
    for key in keys:
        found = (
            [value for name_, value in node.value if name_.value == key] if isinstance(node, yaml.MappingNode) else []
        )
        if not found:
            raise CannotEdit(f"{name}: {'.'.join(keys)} is missing; write it, with any value")
        node = found[0]
    return node


def _line_of_key(text: str, name: str) -> int:
    root = _root(text, name)
    assert isinstance(root, yaml.MappingNode)
    line: int = next(key.end_mark.line for key, _ in root.value if key.value == "releases")
    return line


def _end(node: yaml.Node, text: str) -> int:
    """Where a value ends. A list on lines of its own, and a block of text, would else take the lines after it along."""
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1], text)
    start: int = node.start_mark.index
    return start + len(text[start : node.end_mark.index].rstrip())


def _data(text: str, name: str) -> Any:
    document, mistakes = read_text(text, name)
    if mistakes:
        raise CannotEdit(f"{mistakes[0]}")
    return document.data


def _read_back(edited: str, name: str, wanted: Any) -> str:
    try:
        found = _data(edited, name)
    except CannotEdit:
        found = None
    if found != wanted:
        raise CannotEdit(f"{name}: this layout cannot be edited by place; lay it out as the file in the project is")
    return edited
