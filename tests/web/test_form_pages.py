"""The addresses of the form, without a browser: what each takes, what it shows, what it refuses."""

import html
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from service.web.form.view import choices

FIXTURES = Path(__file__).parents[2] / "fixtures" / "referrals"
L2 = {
    "lesion0:id:value": "L2",
    "lesion0:lesion.site:value": "vertebra",
    "lesion0:lesion.level:value": "L2",
    "lesion0:pain.nrs:value": "8",
    "lesion0:pain.mechanical:value": "yes",
    "lesion0:lesion.matrix:value": "lytic",
    "patient:medications:present": "apixaban",
    "patient:last_dose.apixaban:day": "2026-11-22",
    "patient:recorded_at:day": "2026-11-23",
    "at": "2026-11-23T09:00:00+01:00",
}
HTMX = {"HX-Request": "true"}


def seen(page: str) -> str:
    """The words of a page, without its tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_the_first_page_is_in_french_and_in_english_for_who_prefers_it(client: FlaskClient) -> None:
    assert "Où est la douleur" in client.get("/").text
    assert "Where is the pain" in client.get("/", headers={"Accept-Language": "en-GB,en;q=0.9"}).text
    assert "Où est la douleur" in client.get("/?lang=fr", headers={"Accept-Language": "en"}).text


def test_pages_keep_the_strict_policy(client: FlaskClient) -> None:
    for page in (client.get("/"), client.post("/", data=L2), client.get("/examples"), client.post("/print", data=L2)):
        policy = page.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in page.headers
        assert not re.search(
            r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|javascript:|https?://(?!www\.w3\.org/2000/svg)", page.text
        )


def test_a_plain_form_gives_the_recommendation(client: FlaskClient) -> None:
    page = seen(client.post("/?lang=fr", data=L2).text)
    assert "Arrêter l’apixaban" in page
    assert "25 novembre 2026" in page


def test_what_was_typed_stays_in_the_other_language(client: FlaskClient) -> None:
    page = client.post("/?lang=en", data=L2 | {"do": "language", "patient:blood.platelets:value": "abc"}).text
    assert '<html lang="en">' in page
    assert re.search(r'name="patient:blood.platelets:value" value="abc"', page)
    assert re.search(r'name="patient:last_dose.apixaban:day" value="2026-11-22"', page)
    assert "a number is needed" in seen(page)


@pytest.mark.parametrize("do", ["add", "remove.lesion0", "now", "recommend", "what-if", "trace", "nonsense"])
def test_every_button_works_without_javascript(do: str, client: FlaskClient) -> None:
    answer = client.post("/?lang=fr", data=L2 | {"do": do, "add:site:value": "rib", "add:side:value": "left"})
    assert answer.status_code == 200
    assert ('id="lesion1"' in answer.text) == (do == "add")


def test_a_level_alone_says_its_bone(client: FlaskClient) -> None:
    page = client.post("/", data={"do": "add", "add:level:value": "S2"}).text
    assert re.search(r'<option value="sacrum" selected', page)


def test_two_lesions_of_one_place_have_two_names(client: FlaskClient) -> None:
    page = client.post("/", data=L2 | {"do": "add", "add:site:value": "vertebra", "add:level:value": "L2"}).text
    assert re.findall(r'name="lesion\d:id:value" value="([^"]+)"', page) == ["L2", "lesion-1"]


def test_removing_a_lesion_moves_the_others_up(client: FlaskClient) -> None:
    more = {"lesion1:id:value": "rib-left", "lesion1:lesion.site:value": "rib", "lesion1:pain.nrs:value": "3"}
    page = client.post("/", data=L2 | more | {"do": "remove.lesion0"}).text
    assert re.findall(r'name="lesion0:id:value" value="([^"]+)"', page) == ["rib-left"]
    assert 'name="lesion0:pain.nrs:value" value="3"' in page
    assert "lesion1:" not in page


def test_adding_without_a_site_says_so(client: FlaskClient) -> None:
    assert "Choisir d’abord le siège" in seen(client.post("/?lang=fr", data={"do": "add"}).text)


def test_a_refused_value_is_told_beside_its_control_and_is_unknown(client: FlaskClient) -> None:
    page = client.post(
        "/?lang=fr", data=L2 | {"patient:blood.platelets:value": "182000", "patient:blood.platelets:unit": "G/L"}
    ).text
    field = page[page.index('id="f-patient-blood.platelets"') :][:2500]
    assert "hors des valeurs plausibles" in seen(field)
    assert 'aria-invalid="true"' in field or "aria-invalid=true" in field
    assert 'value="182000"' in field
    assert "Valeurs non utilisées" in seen(page)
    with_none = client.post("/?lang=fr", data=L2).text
    statuses = re.compile(r"r-badge r-[a-z_]+")
    assert statuses.findall(page[page.index('id="result"') :]) == statuses.findall(
        with_none[with_none.index('id="result"') :]
    )


def test_contradictions_stop_the_recommendation_and_say_why(client: FlaskClient) -> None:
    page = seen(
        client.post(
            "/?lang=fr", data=L2 | {"patient:patient.sex:value": "male", "patient:patient.pregnant:value": "yes"}
        ).text
    )
    assert "se contredisent" in page
    assert "ne peut pas être enceint" in page


def test_not_known_is_not_asked_again(client: FlaskClient) -> None:
    def asked(data: dict[str, str]) -> list[str]:
        return re.findall(r'data-control="([^"]+)" data-to="questions"', client.post("/", data=data).text)

    first = asked(L2)
    owner, item = re.fullmatch(r"f-(patient|lesion0)-(.+)", first[0]).groups()
    after = asked(L2 | {f"{owner}:{item}:value": "?", f"{owner}:{item}:unknown": "yes"})
    assert first[0] not in after
    assert after[0] == first[1]


def test_a_value_and_not_known_together_are_refused(client: FlaskClient) -> None:
    """Either could be the slip: taking one of them would be a guess."""
    both = {"patient:medications:unknown": "yes"}
    page = client.post("/?lang=fr", data=L2 | both).text
    assert "garder l’un des deux" in seen(page[page.index('id="faults"') :][:700])


def test_a_date_of_the_situation_that_was_emptied_is_not_today(client: FlaskClient) -> None:
    page = client.post("/?lang=fr", data=L2 | {"patient:recorded_at:day": ""}).text
    assert "il faut une date" in seen(page)
    assert not re.search(r'name="patient:recorded_at:day" value="2', page)
    body = json.dumps({"patient": {"blood.platelets": 200}, "lesions": [{"id": "a", "lesion.site": "rib"}]})
    upload = {"file": (io.BytesIO(body.encode()), "x.json")}
    opened = client.post("/import?lang=fr", data=upload, content_type="multipart/form-data").text
    assert not re.search(r'name="patient:recorded_at:day" value="2', opened)


def test_a_hypothesis_does_not_outlive_the_numbers_of_its_lesions(client: FlaskClient) -> None:
    more = {
        "lesion1:id:value": "b",
        "lesion1:lesion.site:value": "rib",
        "lesion2:id:value": "c",
        "lesion2:lesion.site:value": "rib",
    }
    what = {"what-if": "lesion1:lesion.site", "what|lesion1:lesion.site:value": "ilium", "do": "remove.lesion0"}
    page = client.post("/?lang=fr", data=L2 | more | what).text
    assert "what|lesion" not in page


def test_a_change_brings_only_what_changed(client: FlaskClient) -> None:
    part = client.post("/?lang=fr", data=L2, headers=HTMX | {"X-Changed": "patient:medications:present"}).text
    assert "<html" not in part
    assert 'id="f-patient-medications-words"' in part
    assert "patient:last_dose.apixaban:day" in part
    assert 'id="lesions"' not in part
    rebuilt = client.post("/?lang=fr", data=L2 | {"do": "add", "add:site:value": "rib"}, headers=HTMX).text
    assert 'id="lesions"' in rebuilt


def test_what_if_sets_both_answers_side_by_side(client: FlaskClient) -> None:
    what = {
        "do": "what-if",
        "what-if": "patient:last_dose.apixaban",
        "what|patient:last_dose.apixaban:day": "2026-11-15",
    }
    page = client.post("/?lang=fr", data=L2 | what).text
    sides = page[page.index('id="sides"') :]
    row = sides[sides.index("Vertébroplastie") :][:900]
    assert "r-deferred" in row
    assert row.index("r-deferred") < row.rindex("r-badge")
    # The form itself is as it was.
    assert re.search(r'name="patient:last_dose.apixaban:day" value="2026-11-22"', page)
    same = client.post("/?lang=fr", data=L2 | what | {"what|patient:last_dose.apixaban:day": "2026-11-22"}).text
    assert "Rien ne bouge" in seen(same)


def test_the_trace_is_whole(client: FlaskClient) -> None:
    part = seen(client.post("/trace?lang=en", data=L2).text)
    assert "anticoagulant.apixaban-hold" in part
    assert "2026" in part


def test_import_of_an_export_is_the_same_form(client: FlaskClient) -> None:
    referral = yaml.safe_load((FIXTURES / "three-sites.yaml").read_text(encoding="utf-8"))["referral"]
    upload = {"file": (io.BytesIO(json.dumps(referral).encode()), "referral.json")}
    page = client.post("/import?lang=en", data=upload, content_type="multipart/form-data").text
    typed = _typed(page)
    back = client.post("/referral.json", data=typed)
    assert back.content_type == "application/json"
    assert "attachment" in back.headers["Content-Disposition"]
    assert len(back.json["lesions"]) == len(referral["lesions"])
    assert back.json["patient"].keys() == {
        key for key in referral["patient"] if referral["patient"][key] != {"items": [], "complete": False}
    }


def _typed(page: str) -> dict[str, Any]:
    """What a browser would send of a page: enough of HTML for our own controls."""
    typed: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        checkable = 'type="checkbox"' in tag or 'type="radio"' in tag
        if name and value and (not checkable or " checked" in tag):
            typed.setdefault(name[1], []).append(html.unescape(value[1]))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r"<option(?: value=\"([^\"]*)\")? selected[^>]*>([^<]*)", options)
        if chosen:
            typed.setdefault(name, []).append(html.unescape(chosen[1] or chosen[2]))
    return typed


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"a":1,"a":2}', b"\xff", b"x" * 5000])
def test_a_file_that_is_no_referral_is_refused_in_words(body: bytes, client: FlaskClient) -> None:
    page = client.post(
        "/import?lang=fr", data={"file": (io.BytesIO(body), "x.json")}, content_type="multipart/form-data"
    )
    assert page.status_code == 422
    assert "Fichier refusé" in seen(page.text)


def test_strange_names_in_a_file_are_told(client: FlaskClient) -> None:
    body = json.dumps(
        {"recorded_at": "2026-11-23", "patient": {"blood.plateletts": 3}, "name": "x", "lesions": [{"id": "a"}]}
    )
    page = client.post(
        "/import?lang=fr", data={"file": (io.BytesIO(body.encode()), "x.json")}, content_type="multipart/form-data"
    )
    assert "Non repris, car illisible ou inconnu : blood.plateletts, name" in seen(page.text)


def test_a_date_that_cannot_be_read_takes_its_value_with_it(client: FlaskClient) -> None:
    """Left in the form without its date, the value would pass for one of today."""
    patient = {"blood.platelets": {"value": 120, "date": "20/11/2026"}, "medications": {"items": ["heparinoid"]}}
    body = json.dumps({"recorded_at": "2026-11-23", "patient": patient, "lesions": [{"id": "a", "imaging.ct": "hier"}]})
    upload = {"file": (io.BytesIO(body.encode()), "x.json")}
    page = client.post("/import?lang=fr", data=upload, content_type="multipart/form-data").text
    assert "Non repris, car illisible ou inconnu : blood.platelets, imaging.ct (a)" in seen(page)
    typed = _typed(page)
    assert "patient:blood.platelets:value" not in typed
    # A word that is not known stays in sight, ticked, until somebody takes it away.
    assert typed["patient:medications:present"] == ["heparinoid"]
    assert "heparinoid" in seen(page[page.index('id="faults"') :][:600])


def test_no_lesion_is_dropped_without_a_word(client: FlaskClient) -> None:
    lesions = [{"id": f"x{n}", "lesion.site": "rib"} for n in range(42)]
    body = json.dumps({"recorded_at": "2026-11-23", "lesions": lesions})
    upload = {"file": (io.BytesIO(body.encode()), "x.json")}
    page = client.post("/import?lang=fr", data=upload, content_type="multipart/form-data").text
    assert "lesion.site (x40), lesion.site (x41)" in seen(page)
    full = {f"lesion{n}:id:value": f"x{n}" for n in range(40)} | {"do": "add", "add:site:value": "rib"}
    assert "40 lésions au plus" in seen(client.post("/?lang=fr", data=full).text)


def test_examples_open(client: FlaskClient) -> None:
    page = client.get("/examples?lang=fr").text
    names = re.findall(r'href="/\?example=([^&"]+)', page)
    assert sorted(names) == sorted(path.stem for path in FIXTURES.glob("*.yaml"))
    opened = seen(client.get("/?example=apixaban-yesterday&lang=fr").text)
    assert "à différer" in opened
    assert "Évalué comme si l’on était le 23 novembre 2026" in opened
    assert client.get("/?example=nothing").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
    ],
)
@pytest.mark.parametrize("address", ["/", "/trace", "/print", "/referral.json", "/import"])
def test_another_site_cannot_send_the_form(
    headers: dict[str, str], status: int, address: str, client: FlaskClient
) -> None:
    answer = client.post(address, data={} if address == "/import" else L2, headers=headers)
    assert (answer.status_code == 403) == (status == 403)


def test_a_refusal_is_a_page_for_who_looks_at_pages(client: FlaskClient) -> None:
    refused = client.post("/?lang=en", data=L2, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.content_type == "text/html; charset=utf-8"
    assert "Request from another site refused" in seen(refused.text)


def test_what_is_typed_is_escaped(client: FlaskClient) -> None:
    evil = "<img src=x>\"'&"
    data = L2 | {
        "patient:blood.platelets:value": evil,
        "lesion0:id:value": evil,
        "patient:patient.sex:value": evil,
        "patient:recorded_at:day": evil,
    }
    for address in ("/", "/trace", "/print"):
        assert "<img" not in client.post(address, data=data).text


def test_a_flood_of_controls_is_no_crash(client: FlaskClient) -> None:
    many = {f"lesion{n}:id:value": f"x{n}" for n in range(99)} | {f"patient:x{n}:value": "1" for n in range(3000)}
    assert client.post("/", data=many).status_code == 200


def test_every_item_of_the_vocabulary_is_within_reach(client: FlaskClient, rulebook: Any) -> None:
    page = client.post("/", data=L2 | {"patient:opioids:present": "morphine"}).text
    ids = re.findall(r'class="field [^"]*" id="f-([^"]+)"', page)
    assert len(ids) == len(set(ids))
    called = {item for item in rulebook.vocabulary.items if re.match(r"(last_dose|dose)\.", item)}
    expected = {f"patient-{item}" for item in rulebook.vocabulary.of("patient") if item not in called}
    expected |= {f"lesion0-{item}" for item in rulebook.vocabulary.of("lesion")} | {
        "patient-last_dose.apixaban",
        "patient-dose.morphine",
    }
    assert set(ids) == expected


def test_choices_speak_the_language(rulebook: Any) -> None:
    assert choices(rulebook, "lesion.side", "fr")["left"] == "gauche"
    assert choices(rulebook, "lesion.side", "en")["left"] == "left"
