"""The bundles of `fixtures/fhir/`, each with the referral expected of it."""

import json
from functools import cache
from typing import Any

from tests.fixtures.reading import ROOT

FOLDER = ROOT / "fixtures" / "fhir"


@cache
def bundles() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
