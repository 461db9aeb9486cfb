"""What docs/access.md says is so."""

import re
from pathlib import Path

import pytest
import yaml

from service.clients import caller_fields
from service.clients.file import read_file
from service.clients.keys import FETCH_SECONDS, FRESH_SECONDS, STALE_SECONDS
from service.settings.table import SETTINGS
from service.web.access.jws import MAX_TOKEN

ROOT = Path(__file__).resolve().parents[3]
TOLD = (ROOT / "docs/access.md").read_text(encoding="utf-8")
#: thin and ordinary spaces in numbers are for people
PLAIN = re.sub(r"(?<=\d)\s(?=\d{3}\b)", "", TOLD)


def test_every_reason_of_refusal_is_explained_and_no_other() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "service/web/access").glob("*.py"))
    given = set(re.findall(r'(?:_refuse|Refused)\(\s*"([a-z-]+)"', source)) | {"role"}
    table = PLAIN.partition("| word | means |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    assert {word for cell in cells for word in re.findall(r"`([a-z-]+)`", cell)} == given


@pytest.mark.parametrize(
    "said",
    [
        f"`access.rate` ({SETTINGS['access.rate'].default} in a minute)",
        f"`access.burst` ({SETTINGS['access.burst'].default} at once)",
        f"more than {MAX_TOKEN} characters",
        f"`leeway_seconds` ({caller_fields.DEFAULT_LEEWAY})",
        f"https, {FETCH_SECONDS:g} s, no redirect",
        f"`{SETTINGS['access.user_header'].default}` (`access.user_header`)",
    ],
)
def test_figures(said: str) -> None:
    assert said in PLAIN


def test_how_long_keys_are_kept() -> None:
    assert (FRESH_SECONDS, STALE_SECONDS) == (3600, 86400)


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:access|pages)\.[a-z_]+)\b", TOLD))
    assert named
    assert named <= SETTINGS.keys()


def test_the_examples_of_clients_are_good(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", TOLD, re.DOTALL)
    assert len(blocks) == 2
    path = tmp_path / "clients.yaml"
    path.write_text("clients:\n" + "\n".join(blocks), encoding="utf-8")
    assert read_file(path)[1] == []
    assert len(yaml.safe_load(path.read_text(encoding="utf-8"))["clients"]) == 2


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", TOLD))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / "docs" / target).exists()
