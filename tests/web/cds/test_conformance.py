"""The conformance table names tests that are there."""

import re

from tests.web.cds.conftest import ROOT

TABLE = ROOT / "docs" / "cds-hooks-conformance.md"


def test_every_test_that_is_named_exists():
    named = re.findall(r"`(\w+/test_\w+\.py)::(test_\w+)`", TABLE.read_text(encoding="utf-8"))
    assert len(named) > 40
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not re.search(rf"^def {test}\(", (ROOT / "tests" / "web" / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert missing == []


def test_every_line_of_a_table_names_one():
    rows = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert [row for row in rows if "::test_" not in row and not row.startswith("| requirement")] == []
