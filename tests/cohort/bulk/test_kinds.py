"""Of whom a resource is, whatever way it says so."""

from typing import Any

import pytest

from service.cohort.bulk.kinds import KINDS, SHARED, TELLING, Owner, owner_of, referred, updated
from service.fhir import read


def test_the_kinds_are_those_that_are_read() -> None:
    assert {*read._BEFORE, *read._AFTER, *read._LOOKED_UP, read._REQUEST} == KINDS
    assert SHARED < KINDS
    assert TELLING < KINDS


@pytest.mark.parametrize(
    ("said", "owner"),
    [
        ({"subject": {"reference": "Patient/1"}}, Owner("1")),
        ({"subject": {"reference": " Patient/1/_history/4 "}}, Owner("1")),
        ({"patient": {"reference": "Patient/1"}}, Owner("1")),
        ({"subject": {}, "patient": {"reference": "Patient/1"}}, Owner("1")),
        ({"subject": {"reference": "https://A.example/fhir/Patient/1"}}, Owner("1", "https://a.example/fhir")),
        ({"subject": {"reference": "https://a.example/Patient/1/_history/2"}}, Owner("1", "https://a.example")),
        ({"subject": {"reference": "urn:uuid:1-2"}}, Owner("1-2")),
        ({"subject": {"reference": "urn:uuid:known"}}, Owner("p")),
        ({"subject": {"reference": "Group/1"}}, Owner(None, other=True)),
        ({"subject": {"reference": "#p"}}, Owner(None)),
        ({"subject": {"reference": "Patient"}}, Owner(None)),
        ({"subject": {"display": "test"}}, Owner(None)),
        ({"subject": {"reference": "Patient/\ud800"}}, Owner(None)),
        ({"subject": "Patient/1"}, Owner(None)),
        ({}, Owner(None)),
    ],
)
def test_whom_a_resource_names(said: dict[str, Any], owner: Owner) -> None:
    assert owner_of({"resourceType": "Observation", **said}, {"urn:uuid:known": "p"}) == owner


@pytest.mark.parametrize(("name", "owner"), [("1", "1"), ("", None), (None, None), (7, None), ("\ud800", None)])
def test_a_patient_is_of_itself(name: object, owner: str | None) -> None:
    assert owner_of({"resourceType": "Patient", "id": name}, {}) == Owner(owner)


def test_what_is_looked_up_for_a_resource() -> None:
    order = {"resourceType": "MedicationRequest", "medicationReference": {"reference": "Medication/m"}}
    assert list(referred(order)) == [("Medication", "m")]
    assert list(referred({**order, "medicationReference": {"reference": "urn:uuid:m"}})) == [("Medication", "m")]
    assert list(referred({**order, "medicationReference": {"reference": "#m"}})) == []
    assert list(referred({**order, "medicationReference": {"reference": "Device/m"}})) == []
    assert list(referred({**order, "resourceType": "Observation"})) == []
    use = {"resourceType": "DeviceUseStatement", "device": {"reference": "Device/d"}}
    assert list(referred(use)) == [("Device", "d")]


@pytest.mark.parametrize(
    ("said", "microseconds"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01T01:00:00.000002+01:00", 2),
        ("1970-01-01T00:00:01", None),
        ("1970-01-01", None),
        ("0001-01-01T00:00:00+14:00", -62135647200000000),
        ("soon", None),
        (None, None),
        (7, None),
    ],
)
def test_when_a_resource_was_changed(said: object, microseconds: int | None) -> None:
    assert updated({"meta": {"lastUpdated": said}}) == microseconds
