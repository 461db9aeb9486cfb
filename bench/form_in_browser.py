"""What the form costs in a browser: its weight, its first paint, and the time from a change to the answer on the page.

python -m bench.form_in_browser [--rounds N]      needs script/setup dev
The floor of an update is the answer of the API alone for the same patient, asked over the same connection.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Page
from tests.browser.browsing import chromium, watched
from tests.serving import serving

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = "apixaban-yesterday"
_UPDATE = """
([value]) => new Promise((done) => {
  const field = document.getElementById("f-lesion0-pain.nrs-v");
  let start = 0;
  document.body.addEventListener("htmx:beforeRequest", () => { start = performance.now(); }, { once: true });
  document.body.addEventListener("htmx:afterSettle", () => requestAnimationFrame(() => done(performance.now() - start)), { once: true });
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
})
"""
_ASK = """
async ([referral, at]) => {
  const start = performance.now();
  const answer = await fetch("/v1/recommendations?at=" + encodeURIComponent(at),
    { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(referral) });
  await answer.json();
  return performance.now() - start;
}
"""


def weight(page: Page, address: str) -> dict[str, int]:
    """Bytes of a page and of everything it loads: as sent, and unpacked."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    entries: Any = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".map(each => [each.name, each.encodedBodySize, each.decodedBodySize])"
    )
    return {"sent": sum(each[1] for each in entries), "unpacked": sum(each[2] for each in entries)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.form_in_browser", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    case = yaml.safe_load((ROOT / "fixtures" / "referrals" / f"{EXAMPLE}.yaml").read_text(encoding="utf-8"))
    with (
        tempfile.TemporaryDirectory() as home,
        serving(ROOT, ROOT / "rules", Path(home) / "log") as server,
        chromium() as browser,
        watched(browser, server.address) as pages,
    ):
        page = pages(1440, 900)
        told: dict[str, Any] = {"empty form": weight(page, "/?lang=fr")}
        paints = []
        for _ in range(rounds):
            page.goto("/?lang=fr")
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        told["first paint, ms"] = round(statistics.median(paints))
        told["filled form"] = weight(page, f"/?example={EXAMPLE}&lang=fr")
        updates, answers = [], []
        for at in range(rounds):
            updates.append(page.evaluate(_UPDATE, [str(4 + at % 6)]))
            answers.append(page.evaluate(_ASK, [case["referral"], case["at"]]))
        update, answer = statistics.median(updates), statistics.median(answers)
        told |= {
            "update, ms": round(update),
            "the API's answer alone, ms": round(answer),
            "update / answer": round(update / answer, 1),
        }
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
