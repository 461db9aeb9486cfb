"""Example situations: the referrals of the tests, each with the answer that its sources call for."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from service.language.vocabulary import Text

#: in this order on the page
KINDS = {
    "alert": Text("Une alerte passe avant tout", "An alert comes first"),
    "deferred": Text("Le geste doit attendre", "The act has to wait"),
    "several": Text("Plusieurs lésions", "Several lesions"),
    "open": Text("Il manque des réponses", "Answers are missing"),
    "refused": Text("Une valeur est refusée", "A value is refused"),
    "choosing": Text("Choisir entre les techniques", "Choosing among techniques"),
}


@dataclass(frozen=True, slots=True)
class Example:
    name: str
    label: Text
    kind: str
    at: datetime
    referral: Any


class Examples:
    """The examples in one folder, read when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def all(self) -> dict[str, Example]:
        """By name; none when the folder is not there."""
        found = {}
        for path in sorted(self._folder.glob("*.yaml")):
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
            label = Text(data["name"]["fr"], data["name"]["en"])
            found[path.stem] = Example(
                path.stem, label, _kind(data), datetime.fromisoformat(data["at"]), data["referral"]
            )
        return found

    def by_kind(self) -> dict[str, list[Example]]:
        return {kind: [example for example in self.all.values() if example.kind == kind] for kind in KINDS}


def _kind(data: Any) -> str:
    expected = data["expect"]
    if "refused" in expected or "error" in expected:
        return "refused"
    if expected.get("alerts"):
        return "alert"
    if len(data["referral"]["lesions"]) > 1:
        return "several"
    for lesion in expected.get("lesions", {}).values():
        statuses = lesion.get("statuses", {}).values()
        if "earliest" in lesion or "deferred" in statuses:
            return "deferred"
        if any("undetermined" in status for status in statuses):
            return "open"
    return "choosing"
