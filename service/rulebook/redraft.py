"""A rulebook of which one file is being changed: that file is read anew, the others are not."""

from collections.abc import Mapping
from typing import Any

from service.rulebook.drafting import Draft
from service.rulebook.load import assemble
from service.rulebook.model import Rulebook
from service.rulebook.schema import kind_of
from service.rulebook.source import Document, read_bytes


class Redraft:
    """The files of a good rulebook, read once. Reading one changed file takes a fraction of loading them all."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self._documents: dict[str, tuple[str, Document]] = {}
        for name in sorted(files):
            kind = kind_of(name)
            # What is no rule file is told by `load_files`; here the rulebook is known to be good.
            if kind is not None:
                self._documents[name] = (kind, read_bytes(files[name], name)[0])

    def data(self, name: str) -> dict[str, Any]:
        """What a file holds. Raises KeyError."""
        data: dict[str, Any] = self._documents[name][1].data
        return data

    def with_file(self, name: str, content: bytes) -> Rulebook:
        """The rulebook with `content` in the place of file `name`, as `load_files` gives it.

        Raises KeyError when there is no such file, RulebookError with every mistake, also those in other files that
        speak of what is gone.
        """
        changed_kind, _ = self._documents[name]
        changed, mistakes = read_bytes(content, name)
        draft = Draft()
        for other, (kind, document) in self._documents.items():
            if other == name:
                draft.add(changed_kind, changed, mistakes)
            else:
                draft.kinds.add(kind)
                draft.documents.setdefault(kind, []).append(document)
        contents = {other: document.data for other, (_, document) in self._documents.items()}
        return assemble(draft, {**contents, name: changed.data})
