"""Writes docs/workbench/lints.md from the lints themselves and their first failing case."""

from service.rulebook.lints import LINTS, Lint
from tests.fixtures.reading import ROOT
from tests.rulebook.lints.cases import Case, cases

PAGE = ROOT / "docs" / "workbench" / "lints.md"

_HEAD = """\
# What `flask rules check` finds in rules that load

A rule file can be well formed and still say what nobody meant: a limit of 5 for 50, a sentence with another figure than its condition, a
correction that was lost in a copy. The loader cannot see that. These {count} checks can; they look for slips that are almost never
meant, and hold their peace when in doubt.

```
flask rules check                  the rules in use; ends with 1 when they cannot serve or hold a fault
flask rules check --strict ~/draft notices are faults too
flask rules check --json           everything for a machine
```

A **fault** must be mended before the rulebook can be published. A **notice** is told, and no more: it may be meant.

Each check is one small function in `service/rulebook/lints/`, with one file of cases in `tests/rulebook/lints/cases/`: changes to a
small rulebook that must be found, and others that come near and must not. To add one: write the function and its `Lint` entry,
write the cases, run `python -m tests.rulebook.lints`, which writes this page.

| check | grade | finds |
|---|---|---|
"""


def page() -> str:
    examples: dict[str, Case] = {}
    for case in cases("fails"):
        examples.setdefault(case.lint, case)
    rows = [f"| [{each.id}](#{each.id}) | {each.grade} | {each.finds} |\n" for each in LINTS]
    return _HEAD.format(count=len(LINTS)) + "".join(rows) + "".join(_entry(each, examples[each.id]) for each in LINTS)


def _entry(each: Lint, case: Case) -> str:
    before, after = (case.data[key].rstrip("\n").split("\n") for key in ("find", "put"))
    changed = [f"- {line}" for line in before if line not in after] + [
        f"+ {line}" for line in after if line not in before
    ]
    return (
        f"\n## {each.id}\n\n"
        f"{each.finds} *{each.grade.capitalize()}.*\n\n"
        f"- **Why it matters:** {each.why}\n"
        f"- **How to mend it:** {each.mend}\n\n"
        f"For example, {case.data['why']}:\n\n"
        "```diff\n" + "\n".join(line.rstrip() for line in changed) + "\n```\n"
        f"> {case.data['says']}\n"
    )
