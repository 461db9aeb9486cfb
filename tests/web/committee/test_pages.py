"""The committee's pages over HTTP, as a browser without JavaScript sees them; long computations are pretended."""

import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.rulebook.load import load_files
from service.rulebook.source import rule_files
from service.web import create_app
from service.workbench.cases import check_case, read_case
from tests.web.committee.conftest import FILE, RULE, until

Draft = dict[str, str]


class Seen(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data

    def of(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [each for name, each in self.tags if name == tag and wanted.items() <= each.items()]


def seen(response) -> Seen:
    return Seen(response.get_data(as_text=True))


def typed_text(page: str) -> str:
    """What the textarea holds, as a browser reads it."""
    (inner,) = re.findall(r"<textarea[^>]*>\n(.*)</textarea>", page, re.DOTALL)
    return (
        inner.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#34;", '"')
        .replace("&#39;", "'")
        .replace("&amp;", "&")
    )


# ---- choosing ----


def found(visitor: FlaskClient, query: str) -> list[str]:
    page = visitor.get(f"/committee?lang=en&{query}").get_data(as_text=True)
    return re.findall(r"/committee/edit\?rule=([^&]+)&", page)


def test_rules_are_found_by_id_words_topic_and_technique(visitor: FlaskClient, rulebook) -> None:
    assert len(found(visitor, "")) == len(rulebook.rules)
    assert found(visitor, "q=platelets-low") >= [RULE]
    # Words of either language, without accents or capitals, each of which must be there.
    assert RULE in found(visitor, "q=haut+RISQUE+hemorragique+plaquettes")
    assert RULE not in found(visitor, "q=haut+risque+hemorragique+plaquettes+vertebre")
    bleeding = found(visitor, "topic=bleeding")
    assert bleeding
    assert all(rulebook.rules[name].topic == "bleeding" for name in bleeding)
    assert RULE in found(visitor, "q=platelets&technique=vertebroplasty")
    assert RULE not in found(visitor, "q=platelets&technique=radiotherapy")
    assert "No rule" in seen(visitor.get("/committee?lang=en&q=nowhere")).words


def test_the_page_says_once_that_nothing_is_in_service(visitor: FlaskClient) -> None:
    for address in ("/committee", "/committee/", f"/committee/edit?rule={RULE}"):
        assert (
            seen(visitor.get(f"{address}{'&' if '?' in address else '?'}lang=fr")).words.count(
                "Rien ici n’est en service"
            )
            == 1
        )


# ---- reading and changing ----


def test_a_rule_is_read_with_its_file(visitor: FlaskClient, text: str) -> None:
    response = visitor.get(f"/committee/edit?rule={RULE}&lang=fr")
    page = response.get_data(as_text=True)
    assert typed_text(page) == text
    words = seen(response).words
    assert "Un acte à haut risque hémorragique demande au moins 50 G/L de plaquettes." in words
    assert "plaquettes < 50 G/L" in words
    assert "contre-indication absolue, corrigeable" in words
    assert "PATEL19-SUM" in words
    assert "rien n’est changé" in words
    english = seen(visitor.get(f"/committee/edit?rule={RULE}&lang=en")).words
    assert "platelets < 50 G/L" in english
    assert "nothing is changed" in english


def test_a_file_without_rules_can_be_changed_too(visitor: FlaskClient, root: Path) -> None:
    page = visitor.get("/committee/edit?file=site.yaml&lang=en").get_data(as_text=True)
    assert typed_text(page) == (root / "rules" / "site.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "query", ["", "rule=no.such-rule", "file=../pyproject.toml", "file=/etc/passwd", "file=none.yaml"]
)
def test_what_is_no_rule_file_is_not_shown(visitor: FlaskClient, query: str) -> None:
    assert visitor.get(f"/committee/edit?{query}").status_code == 404


def test_a_change_is_told_as_the_rule_says_it_now(visitor: FlaskClient, draft: Draft) -> None:
    page = seen(visitor.post("/committee/typed?lang=fr", data=draft))
    assert "Se lit sans erreur · 1 ligne modifiée" in page.words
    assert "plaquettes < 50 G/L" in page.words
    assert "plaquettes < 45 G/L" in page.words
    (state,) = page.of("section", id="state")
    assert (state["data-changed"], state["data-wrong"]) == ("43", "")


def test_a_slip_is_told_with_its_line_and_the_right_word(visitor: FlaskClient, draft: Draft) -> None:
    draft["text"] = draft["text"].replace("blood.platelets < 45", "blod.platelets < 45")
    for language, told in (
        ("fr", "item inconnu « blod.platelets » ; vouliez-vous dire « blood.platelets » ?"),
        ("en", "unknown item «blod.platelets»; did you mean «blood.platelets»?"),
    ):
        page = seen(visitor.post(f"/committee/typed?lang={language}", data=draft))
        assert told in page.words.replace("\u00a0", " ")
        (link,) = page.of("a", href="#text")
        assert (link["data-line"], link["data-column"], link["data-length"]) == ("43", "11", "14")
        (state,) = page.of("section", id="state")
        assert state["data-wrong"] == "43"


def test_a_mistake_that_the_draft_makes_elsewhere_is_told(visitor: FlaskClient, root: Path) -> None:
    name = "vocabulary/blood.yaml"
    text = (root / "rules" / name).read_text(encoding="utf-8").replace("blood.platelets:", "blood.thrombocytes:", 1)
    page = seen(visitor.post("/committee/typed?lang=en", data={"file": name, "text": text}))
    assert "elsewhere" in page.words
    assert f"{FILE}:43" in page.words


@pytest.mark.parametrize(
    "text", ["", "\t- x", "rules: [", "x: &a 1", "- 1", "\ud800", "rules: 5", "{}", "topic: bleeding\nrules: []"]
)
def test_any_text_gets_an_answer(visitor: FlaskClient, text: str) -> None:
    response = visitor.post(
        "/committee/typed?lang=fr", data={"file": FILE, "rule": RULE, "text": text.encode("utf-8", "surrogatepass")}
    )
    assert response.status_code == 200
    assert "erreur" in seen(response).words or "modifiée" in seen(response).words


def test_what_is_typed_is_never_taken_for_a_part_of_the_page(visitor: FlaskClient, draft: Draft) -> None:
    draft["text"] = '</textarea><script>alert("x")</script>\n' + draft["text"]
    for address in ("typed", "edit"):
        page = seen(visitor.post(f"/committee/{address}?lang=fr", data=draft | {"do": "language"}))
        assert all(script.get("src", "").startswith("/static/committee.js") for script in page.of("script"))


def test_the_pages_fit_their_own_policy(visitor: FlaskClient, draft: Draft) -> None:
    """No style, no script and no handler stands in a page."""
    for response in (visitor.get("/committee"), visitor.post("/committee/edit?lang=fr", data=draft | {"do": "show"})):
        page = seen(response)
        assert "style-src 'self'" in response.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in response.headers
        assert not page.of("style")
        assert not [tag for tag, each in page.tags if "style" in each or any(name.startswith("on") for name in each)]


def test_the_other_language_keeps_the_draft(visitor: FlaskClient, draft: Draft) -> None:
    response = visitor.post("/committee/edit?lang=en", data=draft | {"do": "language"})
    page = response.get_data(as_text=True)
    assert typed_text(page) == draft["text"].replace("\r\n", "\n")
    assert "What the rule says" in page
    assert response.headers["Content-Language"] == "en"


# ---- files to take away ----


def test_the_file_comes_back_as_it_was_typed(visitor: FlaskClient, draft: Draft, root: Path, text: str) -> None:
    response = visitor.post("/committee/download", data=draft)
    assert response.headers["Content-Disposition"] == 'attachment; filename="bleeding.yaml"'
    assert response.get_data(as_text=True) == text.replace("blood.platelets < 50 G/L", "blood.platelets < 45 G/L", 1)
    book = load_files(rule_files(root / "rules") | {FILE: response.data})
    assert book.rules[RULE].when.value == 45  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new"),
    [("blood.platelets < 50 G/L", "blood.platelets < 45 G/L"), ("topic: bleeding\n", ""), ("\n", "\n\n")],
)
def test_the_differences_can_be_applied(
    visitor: FlaskClient, root: Path, tmp_path: Path, text: str, old: str, new: str
) -> None:
    changed = text.replace(old, new, 1)
    # Without its last line end too: patch must be told.
    for wanted in (changed, changed.rstrip("\n")):
        response = visitor.post("/committee/diff", data={"file": FILE, "text": wanted})
        path = tmp_path / "rules" / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        subprocess.run(["git", "apply", "-p1", "-"], cwd=tmp_path, input=response.data, check=True)
        assert path.read_text(encoding="utf-8") == wanted


def test_nothing_is_written(visitor: FlaskClient, draft: Draft, root: Path, text: str) -> None:
    for address in ("typed", "download", "diff", "edit"):
        assert visitor.post(f"/committee/{address}", data=draft).status_code == 200
    assert (root / "rules" / FILE).read_text(encoding="utf-8") == text
    assert visitor.get("/v1/rulebook/rules/bleeding.platelets-low").get_json()["when"] == "blood.platelets < 50 G/L"


# ---- who may send what ----


@pytest.mark.parametrize("address", ["edit", "typed", "download", "diff", "jobs", f"jobs/{'a' * 43}/cancel"])
@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}])
def test_another_site_is_refused(visitor: FlaskClient, draft: Draft, address: str, headers: dict[str, str]) -> None:
    assert visitor.post(f"/committee/{address}", data=draft, headers=headers).status_code == 403
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
    assert visitor.post(f"/committee/{address}", data=draft, headers=own).status_code in (200, 202, 404)


@pytest.mark.parametrize("address", ["edit", "typed", "jobs"])
def test_what_is_too_large_is_refused(visitor: FlaskClient, draft: Draft, address: str) -> None:
    response = visitor.post(f"/committee/{address}?lang=en", data=draft | {"text": "x" * 450_000})
    assert response.status_code == 413
    assert "at most 100 kB" in seen(response).words


@pytest.mark.parametrize(
    "data", [{}, {"file": FILE}, {"text": "x"}, {"file": "none.yaml", "text": "x"}, {"file": "../x", "text": "x"}]
)
def test_a_request_without_a_draft_is_refused(visitor: FlaskClient, data: Draft) -> None:
    assert visitor.post("/committee/typed", data=data).status_code == 404


def test_the_pages_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setenv("INDICATION_COMMITTEE", "off")
    client = create_app({"RULES": root / "rules"}).test_client()
    assert client.get("/committee").status_code == 404
    assert client.post("/committee/jobs").status_code == 404
    assert "/committee" not in client.get("/").get_data(as_text=True)


def test_the_form_leads_here(visitor: FlaskClient) -> None:
    assert seen(visitor.get("/?lang=fr")).of("a", href="/committee?lang=fr")


# ---- computations ----


@pytest.fixture
def run(visitor: FlaskClient, draft: Draft, bench: Flask) -> Callable[[str], str]:
    """Presses a button without JavaScript; gives the address of the computation's page."""

    def press(task: str) -> str:
        response = until(
            lambda: (
                (sent := visitor.post("/committee/edit?lang=fr", data=draft | {"do": task})).status_code != 409 and sent
            )
        )
        assert response.status_code == 303
        return str(response.headers["Location"])

    return press


def test_a_computation_from_its_button_to_its_result(visitor: FlaskClient, run, draft: Draft) -> None:
    address = run("test")
    response = until(lambda: "Un défaut" in (page := visitor.get(address)).get_data(as_text=True) and page)
    page, text = seen(response), response.get_data(as_text=True)
    assert typed_text(text) == draft["text"].replace("\r\n", "\n")
    assert not page.of("meta", **{"http-equiv": "refresh"})
    assert "Ceci & cela" in page.words
    assert "Une <patiente>" in page.words
    assert "et 2 de plus" in page.words.replace("\n", " ")
    (image,) = page.of("img")
    assert image["alt"]
    picture = visitor.get(image["src"])
    assert picture.content_type.startswith("image/svg+xml")
    # The draft and what was found, in the other language.
    job = page.of("input", name="job")[0]["value"]
    english = seen(visitor.post("/committee/edit?lang=en", data=draft | {"do": "language", "job": job}))
    assert "This & that" in english.words
    assert "One fault" in english.words


def test_a_patient_that_was_found_opens_in_the_form(visitor: FlaskClient, run) -> None:
    address = run("check")
    until(lambda: "Un défaut" in visitor.get(address).get_data(as_text=True))
    job = address.partition("?")[0]
    form = seen(visitor.get(f"{job}/patients/0?lang=fr"))
    assert "celle des règles en service, pas du brouillon" in form.words
    assert form.of("input", name="lesion0:pain.nrs:value")[0]["value"]
    assert visitor.get(f"{job}/patients/1").status_code == 404


def test_a_patient_that_was_found_can_become_a_case_once_approved(
    visitor: FlaskClient, run, rulebook, tmp_path: Path
) -> None:
    address = run("check")
    until(lambda: "Un défaut" in visitor.get(address).get_data(as_text=True))
    response = visitor.get(f"{address.partition('?')[0]}/cases/0")
    assert response.headers["Content-Disposition"] == 'attachment; filename="a-patient.yaml"'
    path = tmp_path / "a-patient.yaml"
    path.write_bytes(response.data)
    case, mistakes = read_case(path)
    assert case.data["name"]["fr"] == "Une <patiente>"
    # Nobody has approved it, and it says so.
    assert "nobody has approved it" in response.get_data(as_text=True)
    assert mistakes == []
    assert "approved_by" not in case.data
    assert any("rests on nothing" in mistake.message for mistake in check_case(case, rulebook))


def test_progress_without_javascript_and_cancelling(visitor: FlaskClient, run, draft: Draft) -> None:
    address = run("prove")
    until(lambda: "3 / 12" in visitor.get(address).get_data(as_text=True))
    page = seen(visitor.get(address))
    assert page.of("meta", **{"http-equiv": "refresh", "content": "2"})
    assert page.of("progress", value="3", max="12")
    assert "readonly" in page.of("textarea")[0]
    assert all("disabled" in button for button in page.of("button", name="do") if button["value"] in ("check", "test"))
    (form,) = [form for form in page.of("form") if (form["action"] or "").startswith("/committee/jobs/")]
    # Meanwhile another one hears who is computing.
    busy = visitor.post("/committee/edit?lang=en", data=draft | {"do": "test"})
    assert busy.status_code == 409
    assert re.search(r"already computing something else \(proof, for [\d.]+ s, for [45] min", seen(busy).words)
    assert typed_text(busy.get_data(as_text=True)) == draft["text"].replace("\r\n", "\n")
    refused = visitor.post("/committee/jobs?lang=en", data=draft | {"do": "test"})
    assert refused.status_code == 409
    assert "proof" in refused.get_json()["busy"]

    done = visitor.post(form["action"])
    assert done.status_code == 303
    page = seen(visitor.get(done.headers["Location"]))
    assert "Calcul annulé. Le brouillon est intact." in page.words
    assert not page.of("meta", **{"http-equiv": "refresh"})
    assert "readonly" not in page.of("textarea")[0]


def test_the_script_follows_a_computation_by_its_part(visitor: FlaskClient, draft: Draft) -> None:
    started = until(
        lambda: (
            (sent := visitor.post("/committee/jobs?lang=fr", data=draft | {"do": "impact"})).status_code == 202 and sent
        )
    )
    address = f"/committee/jobs/{started.get_json()['job']}/part?lang=fr"
    response = until(lambda: (part := visitor.get(address)).headers["Indication-Job"] == "done" and part)
    assert "Un défaut" in seen(response).words
    assert not seen(response).of("html")


@pytest.mark.parametrize("address", ["", "/part", "/patients/0", "/cases/0", "/picture.svg"])
def test_a_computation_that_is_gone_is_told(visitor: FlaskClient, address: str) -> None:
    response = visitor.get(f"/committee/jobs/{'a' * 43}{address}?lang=en")
    assert response.status_code == 404
    assert "no longer kept" in seen(response).words


def test_an_unknown_task_starts_nothing(visitor: FlaskClient, draft: Draft) -> None:
    assert visitor.post("/committee/jobs", data=draft | {"do": "format"}).status_code == 404
    assert visitor.post("/committee/edit", data=draft | {"do": "format"}).status_code == 200
