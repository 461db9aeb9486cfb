"""`python -m tests.workbench.defects` writes docs/workbench/defects.md; with names (or `all`), shows what is said of those."""

import sys
import time

from tests.workbench.defects.page import PAGE, page
from tests.workbench.defects.seeding import Bench, defects


def show(names: list[str]) -> None:
    bench = Bench()
    for defect in defects():
        if str(defect) not in names and names != ["all"]:
            continue
        began = time.monotonic()
        messages = bench.messages(defect, bench.seeded(defect))
        found = defect.found_in(messages)
        took = time.monotonic() - began
        sys.stdout.write(f"{'found' if found else 'NOT FOUND'}  {defect} ({defect.tool}, {took:.1f} s)\n")
        for message in found if names == ["all"] and found else messages:
            sys.stdout.write(f"    {message}\n")


if names := sys.argv[1:]:
    show(names)
else:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
