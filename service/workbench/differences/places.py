"""Where in the rule files something stands."""

import json
from collections.abc import Mapping
from typing import Any

from service.language.tree import All, AnyOf, CountLesions, Node, Not
from service.rulebook.model import Rule, Rulebook
from service.rulebook.source import Document, Keys, read_bytes

#: where rules stand in a file of rules
_RULE_LISTS = ("rules", "indications", "favours", "contraindications")


class Places:
    """Lines of one rulebook. Without the files only the lines that the rulebook itself remembers are known."""

    def __init__(self, book: Rulebook, files: Mapping[str, bytes] | None) -> None:
        self._files = files or {}
        self._read: dict[str, Document] = {}
        self.data: Mapping[str, Any] = json.loads(book.content)
        #: item -> its file
        self.items = {item: name for name, data in self.data.items() if "section" in data for item in data["items"]}
        #: rule -> its condition as its author wrote it
        self._written = {
            entry["id"]: entry["when"]
            for data in self.data.values()
            for part in _RULE_LISTS
            for entry in (data.get(part) or () if isinstance(data, dict) else ())
        }

    def written(self, rule: str) -> Any:
        """The condition of a rule as its author wrote it."""
        return self._written.get(rule)

    def file(self, key: str, value: str) -> str:
        """The file that says `key: value` at its top, such as the file of one technique or score."""
        return next((name for name, data in self.data.items() if data.get(key) == value), f"{value}.yaml")

    def of(self, file: str, *keys: str | int) -> str:
        """file:line of the part that `keys` lead to, or of what holds it."""
        document = self._document(file)
        found: Keys = keys
        while document is not None and found and found not in document.places:
            found = found[:-1]
        line = document.places[found][0] if document is not None and found else 1
        return f"{file}:{line}"

    def item(self, name: str, *keys: str) -> str:
        return self.of(self.items.get(name, "vocabulary"), "items", name, *keys)

    def rule(self, rule: Rule, *nodes: Node | None) -> str:
        """The line of a rule, or of the first of these criteria in it that can be found."""
        texts = [text for node in nodes if node is not None for text in _texts(node)]
        for at, written in enumerate(self._lines(rule.file)[rule.line :], start=rule.line + 1):
            if written.lstrip().startswith("- id:"):
                break
            if any(text in written for text in texts):
                return f"{rule.file}:{at}"
        return f"{rule.file}:{rule.line}"

    def _lines(self, file: str) -> list[str]:
        return self._files.get(file, b"").decode("utf-8", errors="replace").splitlines()

    def _document(self, file: str) -> Document | None:
        if file not in self._read and file in self._files:
            self._read[file] = read_bytes(self._files[file], file)[0]
        return self._read.get(file)


def _texts(node: Node) -> list[str]:
    """The lines that their author wrote for a condition."""
    match node:
        case All(parts) | AnyOf(parts):
            return [text for part in parts for text in _texts(part)]
        case Not(part):
            return _texts(part)
        case CountLesions(where):
            return _texts(where)
        case _:
            return [node.text] if node.text else []
