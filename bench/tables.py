"""Markdown tables, and putting them in the pages that show them."""

import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.patients import PROJECT

DOCS = PROJECT / "docs"
RESULTS = PROJECT / "bench" / "results.md"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others stand to the right."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def number(value: float) -> str:
    """Three figures that mean something, thousands apart."""
    if value >= 100:
        return f"{round(value):,}".replace(",", " ")
    return str(int(value)) if value == int(value) else f"{value:.3g}"


def times(value: float) -> str:
    return f"{value:.1f}×" if value < 10 else f"{value:,.0f}×".replace(",", " ")


def machine() -> str:
    """Where and when, for the foot of a table."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        "unknown processor",
    )
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    load = Path("/proc/loadavg").read_text(encoding="utf-8").split()[0]
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d}, {cores} cores ({cpu}), Python {platform.python_version()}, "
        f"load average when done: {load}."
    )


def put(name: str, text: str) -> None:
    """Replaces what stands between `<!-- bench:NAME -->` and `<!-- end -->` in the pages that have it."""
    pattern = re.compile(rf"(<!-- bench:{re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    for page in sorted(DOCS.glob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = pattern.sub(lambda found: f"{found.group(1)}\n{text}\n\n{found.group(2)}", before)
        if after != before:
            page.write_text(after, encoding="utf-8")
