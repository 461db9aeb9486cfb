"""What the documents for integrators say is so."""

import re
from pathlib import Path

import pytest

from service.cli.codes import page
from service.clients import file as client_file
from service.clients import keys
from service.web.cds import body, discovery, feedback, prefill, trust

ROOT = Path(__file__).resolve().parents[3]
TOLD = (ROOT / "docs/ehr-integration.md").read_text(encoding="utf-8")
#: thin spaces are for people
PLAIN = re.sub(r"(?<=\d) (?=\d{3}\b)", "", TOLD)


def section(title: str) -> str:
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##)", PLAIN + "\n## end", re.DOTALL | re.MULTILINE)
    assert found, title
    return found.group(1)


def test_codes_and_units_are_those_of_the_vocabulary(rulebook):
    """When this fails: flask codes > docs/ehr-codes.md"""
    assert (ROOT / "docs/ehr-codes.md").read_text(encoding="utf-8") == page(rulebook.vocabulary) + "\n"


def test_every_code_that_is_read_is_listed(rulebook):
    """Looked for on its own, so that a kind of code that the page forgets is missed."""
    listed = page(rulebook.vocabulary)

    def leaves(value, name=""):
        if isinstance(value, dict):
            for key, inner in value.items():
                if key not in ("one_per_side", "filler"):
                    yield from leaves(inner, key)
        elif isinstance(value, list | tuple):
            yield from map(str, value)

    for item in rulebook.vocabulary:
        if item.codes.get("fhir"):
            missing = [leaf for leaf in leaves(dict(item.codes)) if leaf not in listed]
            assert missing == [], item.id
            assert all(f"`{unit}`" in listed for unit in item.units)


def test_prefetch_keys(rulebook):
    named = re.findall(r"^\| (`.*?) \|", section("Prefetch"), re.MULTILINE)
    assert {key for cell in named for key in re.findall(r"`(\w+)`", cell)} == set(
        discovery.templates(rulebook.vocabulary)
    )


def test_services():
    for service in discovery.SERVICES.values():
        assert f"| {service.hook} | `{service.id}` |" in TOLD
    assert {service.hook for service in discovery.SERVICES.values()} == set(client_file.HOOKS)


def test_every_reason_of_refusal_is_explained_and_no_other():
    source = Path(trust.__file__).read_text(encoding="utf-8")
    given = set(re.findall(r'(?:_refuse|Refused|Forbidden|Unavailable|TooOften)\("([a-z-]+)"', source))
    cells = re.findall(r"^\| (`.*?) \|", section("Why a token was refused"), re.MULTILINE)
    assert {word for cell in cells for word in re.findall(r"`([a-z-]+)`", cell)} == given


@pytest.mark.parametrize(
    "said",
    [
        f"{body.MAX_BODY // 1_000_000} MB, {body.MAX_DEPTH} levels deep",
        f"{trust.MAX_TOKEN} characters",
        f"≤ {trust.MOST_LIFETIME} s",
        f"`jti` ≤ {trust.LONGEST_JTI} characters",
        f"({client_file.DEFAULT_LEEWAY} unless your entry says otherwise, {client_file.MOST_LEEWAY} at most)",
        f"RSA of {keys.LEAST_RSA_BITS} bits",
        f"a key set of {keys.MAX_KEY_SET // 1000} kB",
        f"{keys.FETCH_SECONDS:g} s, no redirect",
        f"{feedback.MOST_ENTRIES} entries",
    ],
)
def test_limits(said):
    assert said in section("Limits and times")


def test_how_long_things_are_kept():
    assert f"{prefill.TTL_SECONDS / 60:g} minutes at most" in section("What is stored, and for how long")
    assert (keys.FRESH_SECONDS, keys.ASK_AGAIN_SECONDS, keys.STALE_SECONDS) == (3600, 60, 86400)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", TOLD))))
def test_links_lead_somewhere(target):
    assert (ROOT / "docs" / target).exists()
