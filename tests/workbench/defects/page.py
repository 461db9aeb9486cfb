"""Writes docs/workbench/defects.md from the defects."""

from collections import Counter

from tests.fixtures.reading import ROOT
from tests.workbench.defects.seeding import TOOLS, Defect, defects

PAGE = ROOT / "docs" / "workbench" / "defects.md"

_HEAD = """\
# Can the workbench be trusted to find a fault?

A tool that has never found anything proves nothing. So {count} faults that a committee might make were put into the real rules, one at a
time, and each must be found by the tool that is there for it, with a message that says what is wrong. Of the rules as they are, no tool
may say any of it: `tests/workbench/defects` checks both, in every run.

| tool | what it is asked | faults |
|---|---|---:|
| `flask rules check` | the files, without a patient: the loader, then [the lints](lints.md) | {check} |
| `flask rules prove` | every patient at once | {prove} |
| `flask rules test` | the committee's cases in `fixtures/referrals` | {test} |
| `flask rules borderline` | its cases on either side of each threshold, all approved under the real rules | {borderline} |
| `flask rules diff` | the rules before and after | {diff} |

Many faults are found by more than one tool. The table names the first that a committee would meet; what only *test*, *borderline* or
*diff* can see is wrong against what was meant, and not in itself.

| fault | what was changed | in | found by | what it says |
|---|---|---|---|---|
"""

_FOOT = """
A fault is a few lines of data in `tests/workbench/defects/defects.yaml`: the file, what is replaced by what, the tool, and pieces of its
message. `python -m tests.workbench.defects` writes this page; `python -m tests.workbench.defects NAME` shows all that the tool says of one.
"""


def page() -> str:
    counts = Counter(defect.tool for defect in defects())
    head = _HEAD.format(count=len(defects()), **{tool: counts[tool] for tool in TOOLS})
    ordered = sorted(defects(), key=lambda defect: TOOLS.index(defect.tool))
    return head + "".join(map(_row, ordered)) + _FOOT


def _row(defect: Defect) -> str:
    said = " … ".join(defect.says).replace("|", "\\|").replace("<", "&lt;")
    what = str(defect.data["what"]).replace("<", "&lt;")
    asked = " ".join(defect.data.get("cases", []))
    by = f"{defect.tool} ({asked})" if asked else defect.tool
    return f"| {defect} | {what} | `{defect.file}` | {by} | {said} |\n"
