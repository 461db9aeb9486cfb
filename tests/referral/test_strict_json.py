"""JSON as the standard defines it, and no more. Whatever comes in is refused in words, in milliseconds."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.referral.complaints import Complaint, ReferralError
from service.referral.strict_json import MAX_DEPTH, canonical, parse
from tests.referral.referring import complaints_of, places, small, well_said

#: text -> the code it is refused with
REFUSED = {
    b"": "not_json",
    b" ": "not_json",
    b"{": "not_json",
    b"{'patient': {}}": "not_json",
    b'{"patient": {},}': "not_json",
    b'{"patient": {}} {"patient": {}}': "not_json",
    b"// note\n{}": "not_json",
    b"{patient: {}}": "not_json",
    b'{"a": 01}': "not_json",
    b'{"a": +1}': "not_json",
    b'{"a": .5}': "not_json",
    b'{"a": 0x10}': "not_json",
    b'{"a": True}': "not_json",
    b'{"a": "\x01"}': "not_json",
    b'"\xff\xfe"': "not_utf8",
    b'{"a": "caf\xe9"}': "not_utf8",
    '{"a": 1}'.encode("utf-16"): "not_utf8",
    b"\xef\xbb\xbf{}": "not_json",
    b'{"a": 1, "a": 1}': "duplicate_key",
    b'{"a": {"b": [{"c": 1, "d": 2, "c": 3}]}}': "duplicate_key",
    b'{"a": 1, "\\u0061": 2}': "duplicate_key",
    b'{"a": NaN}': "not_a_number",
    b'{"a": Infinity}': "not_a_number",
    b'{"a": -Infinity}': "not_a_number",
    b"[" * 100_000 + b"]" * 100_000: "too_deep",
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000: "too_deep",
    b"[" * 100_000: "too_deep",
    b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1): "too_deep",
    b'{"a": ' + b"9" * 5000 + b"}": "huge_number",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: repr(text[:40]))
def test_malformed_text_is_refused_in_words(text: bytes) -> None:
    begun = time.perf_counter()
    with pytest.raises(ReferralError) as refused:
        parse(text)
    assert time.perf_counter() - begun < 0.5
    (complaint,) = refused.value.complaints
    assert complaint.code == REFUSED[text]
    assert complaint.pointer == ""
    assert well_said(complaint)


def test_malformed_json_says_where() -> None:
    with pytest.raises(ReferralError) as refused:
        parse(b'{\n  "patient": {},\n  oops\n}')
    (complaint,) = refused.value.complaints
    assert "3:3" in complaint.text.fr
    assert "3:3" in complaint.text.en


def test_a_duplicate_key_is_named() -> None:
    with pytest.raises(ReferralError, match=r"blood\.inr"):
        parse(b'{"patient": {"blood.inr": 1.1, "blood.inr": 4}}')


def test_ten_megabytes_are_read_or_refused_quickly() -> None:
    for text in (b'{"a": "' + b"x" * 10_000_000 + b'"}', b"[" + b"1," * 5_000_000 + b"1]"):
        begun = time.perf_counter()
        parse(text)
        assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("written", ["1e2", "1E2", "1.2e1", "1e-2", "5e400", "-1e400"])
def test_an_exponent_is_refused_where_it_stands(written: str) -> None:
    body = json.dumps(small({"blood.platelets": "@"})).replace('"@"', written).encode()
    (complaint,) = complaints_of(body)
    assert (complaint.code, complaint.pointer) == ("exponent", "/patient/blood.platelets")
    assert written in complaint.text.fr
    assert written in complaint.text.en


@pytest.mark.parametrize("written", ["9" * 400, "-" + "9" * 400, "1" + "0" * 300 + ".5", "9" * 30])
def test_a_huge_number_is_refused_where_it_stands(written: str) -> None:
    body = json.dumps(small({"blood.platelets": "@"})).replace('"@"', written).encode()
    (complaint,) = complaints_of(body)
    assert (complaint.code, complaint.pointer) == ("out_of_range", "/patient/blood.platelets")
    assert well_said(complaint)


@pytest.mark.parametrize("where", ["recorded_at", "id", "flag", "choice", "set", "unit", "date"])
def test_an_exponent_where_no_number_belongs_is_refused_too(where: str) -> None:
    inr = {"value": 1, "unit": "x", "date": "2026-11-20"}
    referral = small({"patient.cooperative": True, "patient.sex": "male", "allergies": {"items": []}, "blood.inr": inr})
    spots: dict[str, tuple[dict[str, Any], str, str]] = {
        "recorded_at": (referral, "recorded_at", "/recorded_at"),
        "id": (referral["lesions"][0], "id", "/lesions/0/id"),
        "flag": (referral["patient"], "patient.cooperative", "/patient/patient.cooperative"),
        "choice": (referral["patient"], "patient.sex", "/patient/patient.sex"),
        "set": (referral["patient"]["allergies"], "items", "/patient/allergies/items"),
        "unit": (referral["patient"]["blood.inr"], "unit", "/patient/blood.inr/unit"),
        "date": (referral["patient"]["blood.inr"], "date", "/patient/blood.inr/date"),
    }
    inside, key, pointer = spots[where]
    if where not in ("unit", "date"):
        del referral["patient"]["blood.inr"]
    elif where == "date":
        del referral["patient"]["blood.inr"]["unit"]
    inside[key] = "@"
    body = json.dumps(referral).replace('"@"', "1e3").encode()
    assert [found for _, found in places(body)] == [pointer]


def test_a_whole_number_and_its_decimal_writing_are_one_value() -> None:
    assert canonical(parse(b'{"b": 50.0, "a": [1.50, -0.0]}')) == canonical(parse(b'{"a": [1.5, 0], "b": 50}'))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e6, 1e6).map(lambda x: round(x, 4)) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_what_python_writes_is_read_back(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    # A small decimal may be written with an exponent, which is refused later, where it stands.
    if "e-" not in text:
        assert parse(text.encode()) == value


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_never_worse(body: bytes) -> None:
    complaints: tuple[Complaint, ...] = ()
    try:
        parse(body)
    except ReferralError as refused:
        complaints = refused.complaints
    assert all(well_said(complaint) for complaint in complaints)


@settings(max_examples=100, deadline=None)
@given(json_values)
def test_any_json_is_a_referral_or_is_refused_in_words(value: Any) -> None:
    body = json.dumps(value).encode()
    assert all(well_said(complaint) for complaint in complaints_of(body))
