"""Everything a sender can get wrong: refused at once, with what to mend and where, and the worker goes on."""

import json
import time
from typing import Any

import pytest

#: of processor time, which other work on the machine does not lengthen; the point is milliseconds against minutes
SECONDS = 0.5
SECONDS_OF_A_FLOOD = 5

TEXT = json.dumps


def changed(referral: dict[str, Any], patient: Any = None, lesion: Any = None, **more: Any) -> dict[str, Any]:
    """The referral with other values of the patient, of its first lesion, or at its top."""
    first, *others = referral["lesions"]
    return {
        **referral,
        "patient": {**referral["patient"], **(patient or {})},
        "lesions": [{**first, **(lesion or {})}, *others],
        **more,
    }


def with_pain(written: str) -> Any:
    """The referral's text with the pain score written in this way."""
    return lambda referral: TEXT(referral).replace('"pain.nrs": 8', f'"pain.nrs": {written}')


def patient(values: dict[str, Any]) -> Any:
    return lambda referral: changed(referral, patient=values)


def lesion(values: dict[str, Any]) -> Any:
    return lambda referral: changed(referral, lesion=values)


def top(**values: Any) -> Any:
    return lambda referral: changed(referral, **values)


def as_is(body: str | bytes) -> Any:
    return lambda referral: body


# name, body, code
MALFORMED = [
    ("empty", as_is(""), "not_json"),
    ("cut short", as_is('{"recorded_at": "2026-11-23", "lesions": ['), "not_json"),
    ("trailing comma", as_is('{"a": 1,}'), "not_json"),
    ("single quotes", as_is("{'a': 1}"), "not_json"),
    ("two values", as_is("{} {}"), "not_json"),
    ("byte order mark", as_is(b"\xef\xbb\xbf{}"), "not_json"),
    ("NaN", with_pain("NaN"), "not_a_number"),
    ("infinity", with_pain("Infinity"), "not_a_number"),
    ("minus infinity", with_pain("-Infinity"), "not_a_number"),
    ("6000 digits", with_pain("9" * 6000), "huge_number"),
    ("duplicate key", with_pain('8, "pain.nrs": 2'), "duplicate_key"),
    ("duplicate key at the top", as_is('{"lesions": [], "lesions": []}'), "duplicate_key"),
    ("invalid UTF-8", as_is(b'{"recorded_at": "\xff"}'), "not_utf8"),
    ("UTF-16", as_is('{"a": 1}'.encode("utf-16")), "not_utf8"),
    ("nested 50 deep", with_pain("[" * 50 + "]" * 50), "too_deep"),
    ("nested 100 000 deep", as_is("[" * 100_000 + "]" * 100_000), "too_deep"),
    ("objects nested 100 000 deep", as_is('{"a":' * 100_000 + "1" + "}" * 100_000), "too_deep"),
]

# name, body, code and pointer (None: any)
REFUSED = [
    ("a list", as_is("[]"), "wrong_type", ""),
    ("a text", as_is('"referral"'), "wrong_type", ""),
    ("null", as_is("null"), "wrong_type", ""),
    ("nothing in it", as_is("{}"), "missing", "/lesions"),
    ("no date of record", as_is('{"lesions": [{"id": "a"}]}'), "missing", "/recorded_at"),
    ("text for a number", patient({"blood.inr": "high"}), "wrong_type", "/patient/blood.inr"),
    ("number as text", patient({"blood.inr": "1.1"}), "wrong_type", "/patient/blood.inr"),
    ("flag for a number", patient({"blood.inr": True}), "wrong_type", "/patient/blood.inr"),
    ("number for a flag", patient({"neuro.new_deficit": 0}), "wrong_type", "/patient/neuro.new_deficit"),
    ("list for a number", patient({"blood.inr": [1]}), "wrong_type", "/patient/blood.inr"),
    ("number for a list", patient({"medications": 3}), "wrong_type", "/patient/medications"),
    ("object in a list", patient({"medications": [{"a": 1}]}), "wrong_type", "/patient/medications/items/0"),
    ("patient is a list", lambda referral: {**referral, "patient": []}, "wrong_type", "/patient"),
    ("lesions is an object", top(lesions={}), "wrong_type", "/lesions"),
    ("no lesion", top(lesions=[]), "wrong_type", "/lesions"),
    ("a lesion is null", top(lesions=[None]), "wrong_type", "/lesions/0"),
    ("lesion without id", top(lesions=[{}]), "missing", "/lesions/0/id"),
    ("lesion id with a line break", top(lesions=[{"id": "x\n"}]), "wrong_type", "/lesions/0/id"),
    ("two lesions, one id", top(lesions=[{"id": "x"}, {"id": "x"}]), "duplicate_lesion", "/lesions/1/id"),
    ("10 000 lesions", top(lesions=[{"id": f"l{at}"} for at in range(10_000)]), "wrong_type", "/lesions"),
    ("unknown field", patient({"blood.platlets": 231}), "unknown_field", "/patient/blood.platlets"),
    ("unknown field at the top", top(patients={}), "unknown_field", "/patients"),
    (
        "unknown field of a value",
        patient({"blood.inr": {"value": 1, "units": "x"}}),
        "unknown_field",
        "/patient/blood.inr/units",
    ),
    ("a patient's item on a lesion", lesion({"blood.inr": 1}), "unknown_field", "/lesions/0/blood.inr"),
    ("unknown word", lesion({"lesion.site": "vertebre"}), "unknown_word", "/lesions/0/lesion.site"),
    ("above the range", patient({"blood.inr": 99}), "out_of_range", "/patient/blood.inr"),
    ("below the range", lesion({"pain.nrs": -1}), "out_of_range", "/lesions/0/pain.nrs"),
    (
        "a count in the wrong unit",
        patient({"blood.platelets": {"value": 231000, "unit": "G/L"}}),
        "out_of_range",
        "/patient/blood.platelets",
    ),
    (
        "wrong unit",
        patient({"blood.platelets": {"value": 231, "unit": "mg"}}),
        "unit_refused",
        "/patient/blood.platelets/unit",
    ),
    (
        "unit is a list",
        patient({"blood.platelets": {"value": 231, "unit": ["G/L"]}}),
        "wrong_type",
        "/patient/blood.platelets/unit",
    ),
    ("exponent", with_pain("8e0"), "exponent", "/lesions/0/pain.nrs"),
    ("exponent with many zeros", with_pain("1e999999999"), "exponent", "/lesions/0/pain.nrs"),
    ("400 digits", with_pain("9" * 400), "out_of_range", "/lesions/0/pain.nrs"),
    ("400 digits and a half", with_pain("9" * 400 + ".5"), "out_of_range", "/lesions/0/pain.nrs"),
    (
        "date in the future",
        patient({"blood.inr": {"value": 1, "date": "2031-01-01"}}),
        "in_the_future",
        "/patient/blood.inr",
    ),
    (
        "intake in the future",
        patient({"last_dose.apixaban": "2026-11-24"}),
        "in_the_future",
        "/patient/last_dose.apixaban",
    ),
    ("last day of all", patient({"last_dose.apixaban": "9999-12-31"}), None, "/patient/last_dose.apixaban"),
    ("record in the future", top(recorded_at="2026-11-24"), "in_the_future", "/recorded_at"),
    ("first moment of all", top(recorded_at="0001-01-01T00:00:00+14:00"), None, "/recorded_at"),
    ("last moment of all", top(recorded_at="9999-12-31T23:59:59-14:00"), None, "/recorded_at"),
    (
        "intake at the first moment of all",
        patient({"last_dose.apixaban": "0001-01-01T00:00:00+14:00"}),
        None,
        "/patient/last_dose.apixaban",
    ),
    ("30 February", top(recorded_at="2026-02-30"), "bad_moment", "/recorded_at"),
    ("date as a number", top(recorded_at=20261123), "bad_moment", "/recorded_at"),
    ("day first", top(recorded_at="23/11/2026"), "bad_moment", "/recorded_at"),
    ("male and pregnant", patient({"patient.sex": "male", "patient.pregnant": True}), "contradiction", "/patient"),
    (
        "no fracture, yet 60 % of height lost",
        lesion({"lesion.fracture": False, "lesion.height_loss": 60}),
        "contradiction",
        "/lesions/0",
    ),
    (
        "present and absent",
        patient({"allergies": {"items": ["pmma"], "absent": ["pmma"]}}),
        "contradiction",
        "/patient/allergies",
    ),
    ("half a surrogate pair", patient({"patient.sex": "\ud800"}), "unknown_word", "/patient/patient.sex"),
    ("half a surrogate pair as a key", patient({"\ud800": 1}), "unknown_field", "/patient/?"),
    ("half a surrogate pair at the top", as_is('{"\\ud800": 1}'), "unknown_field", "/?"),
    ("a key of half a megabyte", patient({"a" * 500_000: 1}), "unknown_field", None),
    ("a word of half a megabyte", patient({"patient.sex": "a" * 500_000}), "unknown_word", "/patient/patient.sex"),
    (
        "200 unknown words",
        patient({"medications": {"items": [f"apixabam{at}" for at in range(200)]}}),
        "unknown_word",
        None,
    ),
]

# name, body: as much as a body can hold
FLOODS = [
    ("20 000 unknown fields", patient({f"blood.fld_{at}": 1 for at in range(20_000)})),
    ("20 000 unknown fields at the top", top(**{f"field_{at}": 1 for at in range(20_000)})),
    (
        "40 lesions, 500 unknown fields each",
        top(lesions=[{"id": f"l{at}", **{f"lesion.zz{k}": 1 for k in range(500)}} for at in range(40)]),
    ),
]


@pytest.fixture(scope="module")
def answers():
    return set()


@pytest.fixture(autouse=True)
def worker_goes_on(post, referral, answers):
    """Whatever a request was, the next one is answered as ever."""
    yield
    answers.add(post(referral).data)
    assert len(answers) == 1


@pytest.fixture
def refused_at_once(post, referral, is_problem, caplog):
    def refuse(make: Any, status: int, seconds: float = SECONDS) -> dict[str, Any]:
        body = make(referral)
        begun = time.process_time()
        response = post(body)
        elapsed = time.process_time() - begun
        problem = is_problem(response, status)
        assert elapsed < seconds
        assert len(response.data) < 100_000
        assert not caplog.records, "a refusal is the sender's business, not the log's"
        return problem

    return refuse


@pytest.mark.parametrize(("make", "code"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED])
def test_malformed(refused_at_once, make, code):
    problem = refused_at_once(make, 400)
    assert problem["type"].endswith("#problem-malformed-json")
    assert [error["code"] for error in problem["errors"]] == [code]


@pytest.mark.parametrize(("make", "code", "pointer"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(refused_at_once, make, code, pointer):
    problem = refused_at_once(make, 422)
    assert problem["type"].endswith("#problem-referral-refused")
    pointers = {error["pointer"] for error in problem["errors"] if code in (None, error["code"])}
    assert pointers
    if pointer is not None:
        assert pointer in pointers


@pytest.mark.parametrize("make", [case[1] for case in FLOODS], ids=[case[0] for case in FLOODS])
def test_floods(refused_at_once, make):
    problem = refused_at_once(make, 422, SECONDS_OF_A_FLOOD)
    assert {error["code"] for error in problem["errors"]} == {"unknown_field"}
    assert problem["errors_in_all"] > len(problem["errors"])


def test_every_fault_is_listed_at_once(post, referral, is_problem):
    wrong = changed(referral, {"blood.inr": 99, "patient.sex": "femal"}, {"pain.nrs": 11, "lesion.sit": 1}, other=1)
    problem = is_problem(post(wrong), 422)
    assert [error["pointer"] for error in problem["errors"]] == [
        "/lesions/0/lesion.sit",
        "/lesions/0/pain.nrs",
        "/other",
        "/patient/blood.inr",
        "/patient/patient.sex",
    ]


def test_the_nearest_right_word_is_offered(post, referral, is_problem):
    for language, offered in (
        ("en", "did you mean «blood.platelets»?"),
        ("fr", "vouliez-vous dire « blood.platelets » ?"),
    ):
        response = post(changed(referral, {"blood.platlets": 1}), headers={"Accept-Language": language})
        assert offered in is_problem(response, 422)["errors"][0]["detail"]


def test_only_the_first_faults_are_told(post, referral, is_problem):
    problem = is_problem(post(changed(referral, {f"x{at}": 1 for at in range(150)})), 422)
    assert len(problem["errors"]) == 100
    assert problem["errors_in_all"] == 150


def test_pointers_are_escaped(post, referral, is_problem):
    problem = is_problem(post(changed(referral, {"a/b~c": 1})), 422)
    assert problem["errors"][0]["pointer"] == "/patient/a~1b~0c"


def test_more_than_a_megabyte(post, is_problem):
    for size in (1_000_001, 10_000_000):
        assert is_problem(post(b" " * size), 413)["type"].endswith("#problem-too-large")


def test_up_to_a_megabyte(post, referral):
    body = TEXT(referral)
    assert post(body + " " * (1_000_000 - len(body))).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": None},
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "application/x-ndjson"},
        {"content_type": "application/json; charset=latin-1"},
        {"headers": {"Content-Encoding": "gzip"}},
    ],
    ids=str,
)
def test_other_content_types(post, referral, is_problem, headers):
    response = post(referral, **headers)
    is_problem(response, 415)
    assert response.headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("trce=full", "trce"),
        ("trace=everything", "trace"),
        ("trace=", "trace"),
        ("trace=full&trace=full", "trace"),
        ("at=yesterday", "at"),
        ("at=2026-11-23", "at"),
        ("at=", "at"),
        ("at=2026-11-23T25:00", "at"),
        ("at=0001-01-01T00:00:00+14:00", "at"),
        ("at=9999-12-31T23:59:59-14:00", "at"),
        ("lang=en", "lang"),
        ("%00=1", "\x00"),
        ("at=%FF", "at"),
    ],
)
def test_parameters(post, referral, is_problem, query, parameter):
    problem = is_problem(post(referral, query_string=query), 400)
    assert problem["type"].endswith("#problem-bad-parameter")
    assert [error["parameter"] for error in problem["errors"]] == [parameter]
