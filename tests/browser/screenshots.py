"""`script/screenshots`: pictures of the pages in given states."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.browser.browsing import Pages, chromium, watched
from tests.serving import serving

ROOT = Path(__file__).resolve().parents[2]
#: bytes: a README must open fast on a hospital's network
README_LIMIT = 250_000


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: where, in how large a window, in which language, after what was done there."""

    name: str
    address: str
    width: int
    height: int
    language: str = "fr"
    #: (verb of DEEDS, what it is done to), in this order
    actions: tuple[tuple[str, str], ...] = ()
    javascript: bool = True
    #: the page to its end, not the window alone
    whole: bool = False


FOR_README = (
    Shot("form-deferral", "/?example=apixaban-yesterday", 1280, 860),
    Shot("form-mobile", "/?example=seed-typical-patient", 390, 844, actions=(("show", "#result"),)),
    Shot(
        "workbench/committee-slip",
        "/committee/edit?rule=bleeding.platelets-low",
        1440,
        1060,
        actions=(("retype", "blood.platelets < 50 → blod.platelets < 45"), ("wait", ".c-mistakes")),
    ),
    Shot(
        "workbench/committee-impact",
        "/committee/edit?rule=bleeding.platelets-low",
        1440,
        1060,
        actions=(
            ("retype", "blood.platelets < 50 → blood.platelets < 45"),
            ("wait", ".c-now"),
            ("click", ".c-run[value=impact]"),
            ("wait", ".c-picture"),
            ("show", ".c-runs"),
        ),
    ),
)
OTHERS = (
    Shot("empty", "/", 1280, 860),
    Shot("empty-en", "/", 1280, 860, "en"),
    Shot("empty-mobile", "/", 360, 740, whole=True),
    Shot("alert", "/?example=alert-cord-compression", 1280, 860),
    Shot("alert-mobile-en", "/?example=alert-cord-compression", 360, 740, "en", (("show", "#result"),)),
    Shot("typical", "/?example=seed-typical-patient", 1440, 900, whole=True),
    Shot("typical-en", "/?example=seed-typical-patient", 1440, 900, "en", whole=True),
    Shot("two-lesions", "/?example=two-lesions-one-unstable", 1280, 860),
    Shot("three-sites-tablet", "/?example=three-sites", 820, 1180),
    Shot("refused-value", "/?example=platelets-implausible", 1280, 860),
    Shot("without-javascript", "/?example=apixaban-yesterday", 1280, 860, javascript=False),
    Shot("why-opened", "/?example=apixaban-yesterday", 1280, 860, actions=(("click", "#result summary"),)),
    Shot(
        "on-paper",
        "/?example=apixaban-yesterday",
        794,
        1123,
        actions=(("follow", "button[value=print]"), ("media", "print")),
        whole=True,
    ),
    Shot("examples", "/examples", 1280, 860),
    Shot("reference", "/v1/docs", 1280, 860, ""),
)


def follow(page: Page, selector: str) -> Page:
    """Clicks on what opens a new tab, and goes on there."""
    with page.expect_popup() as opened:
        page.locator(selector).first.click()
    opened.value.wait_for_load_state()
    return opened.value


def retype(page: Page, change: str) -> None:
    """Selects what stands before the arrow in the committee's draft and types what stands after it."""
    before, _, after = change.partition(" → ")
    page.locator("#text").evaluate(
        """(field, before) => {
            field.focus();
            field.setSelectionRange(field.value.indexOf(before), field.value.indexOf(before) + before.length);
        }""",
        before,
    )
    page.keyboard.type(after)


#: a deed may lead to another page
DEEDS: dict[str, Callable[[Page, str], Page | None]] = {
    "click": lambda page, selector: page.locator(selector).first.click(),
    "follow": follow,
    "media": lambda page, media: page.emulate_media(media=media),
    "retype": retype,
    "show": lambda page, selector: page.locator(selector).first.evaluate("it => { it.scrollIntoView() }"),
    # A committee's computation may take its time.
    "wait": lambda page, selector: page.locator(selector).first.wait_for(timeout=300_000),
}


def take(shot: Shot, pages: Pages, folder: Path) -> Path:
    """Opens the page, does what is to be done there and writes the picture."""
    page = pages(shot.width, shot.height, shot.javascript, {"fr": "fr-FR"}.get(shot.language, "en-GB"))
    # The reference speaks one language and takes no parameter.
    parameter = f"{'&' if '?' in shot.address else '?'}lang={shot.language}" if shot.language else ""
    response = page.goto(shot.address + parameter)
    assert response is not None
    assert response.ok, f"{shot.name}: {response.url} answers {response.status}"
    page.wait_for_load_state("networkidle")
    for verb, what in shot.actions:
        page = DEEDS[verb](page, what) or page
    seen = Image.open(BytesIO(page.screenshot(full_page=shot.whole, animations="disabled")))
    path = folder / f"{shot.name}.png"
    # Flat colours: 256 of them look the same and take a third of the room.
    seen.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def take_all(wanted: Iterable[tuple[Shot, Path]]) -> Iterator[Path]:
    with (
        tempfile.TemporaryDirectory() as home,
        serving(ROOT, ROOT / "rules", Path(home) / "log") as server,
        chromium() as browser,
    ):
        for shot, folder in wanted:
            with watched(browser, server.address) as pages:
                yield take(shot, pages, folder)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="script/screenshots", add_help=False)
    parser.add_argument("--all", type=Path, metavar="DIR")
    parser.add_argument("names", nargs="*", metavar="NAME")
    asked = parser.parse_args(arguments)
    shots = FOR_README if asked.all is None else (*FOR_README, *OTHERS)
    known = [shot.name for shot in shots]
    if not set(asked.names) <= set(known):
        parser.error(f"the pictures are {', '.join(known)}{'' if asked.all else '; others with --all DIR'}")
    if asked.all is not None:
        asked.all.mkdir(parents=True, exist_ok=True)
    wanted = [
        (shot, ROOT / "docs" if shot in FOR_README else asked.all)
        for shot in shots
        if not asked.names or shot.name in asked.names
    ]
    too_large = []
    for path in take_all(wanted):
        size = path.stat().st_size
        sys.stdout.write(f"{path} ({size / 1000:.0f} kB)\n")
        if path.is_relative_to(ROOT / "docs") and size > README_LIMIT:
            too_large.append(path.name)
    if too_large:
        sys.stderr.write(f"too large for the README ({README_LIMIT / 1000:.0f} kB): {', '.join(too_large)}\n")
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())
