"""Broken records: never an error, always a referral that the API takes, and no value that no resource states."""

import copy
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.fhir.bundle import resources_of
from service.fhir.read import Reading, read
from service.referral.schema import ReferralReader
from service.rulebook.model import Rulebook
from tests.fhir.reading import bundles
from tests.fixtures.reading import decider

AT = datetime.fromisoformat("2026-11-23T09:00:00+01:00")
NAMES = sorted(bundles())
RULEBOOK: Rulebook = decider().rulebook
READER = ReferralReader(RULEBOOK.vocabulary)

#: words that lead deeper into the readers than any random text would
_WORDS = (
    "resourceType Bundle Patient Condition Observation MedicationRequest MedicationStatement AllergyIntolerance Procedure"
    " Device DeviceUseStatement ServiceRequest Medication OperationOutcome entry resource id status final active completed"
    " code coding system text reference subject patient bodySite extension valueCodeableConcept valueQuantity value unit"
    " comparator effectiveDateTime effectivePeriod end issued clinicalStatus verificationStatus reasonReference reasonCode"
    " medicationReference contained ingredient reaction manifestation birthDate gender device type link relation next total"
    " focus performedPeriod severity issue search mode fullUrl http://loinc.org http://snomed.info/sct 777-3 94222008 G/L"
    " http://hl7.org/fhir/sid/icd-10 C79.5 C50.9 L2 2026-11-20 2026-11-20T08:00:00Z 9999-12-31 0001-01-01 Patient/test-p"
)
WORDS = _WORDS.split()
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(WORDS),
)
KEYS = st.one_of(st.sampled_from(WORDS), st.text(max_size=5))
GARBAGE = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=25,
)


def whole(payload: Any, drafts: Any = None) -> Reading:
    contents = resources_of(payload)
    drawn = resources_of(drafts).resources
    return read(contents.resources, RULEBOOK, AT, drafts=drawn, partial=contents.partial)


def check(reading: Reading) -> None:
    """The API takes it, whatever was sent; a record without a lesion is asked for one by the caller."""
    referral = {**reading.referral, "lesions": reading.referral["lesions"] or [{"id": "x"}]}
    READER.read(json.loads(json.dumps(referral, allow_nan=False)))
    for one in reading.unused:
        assert one.resource
        assert one.text.fr
        assert one.text.en


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a payload."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def stated(reading: Reading) -> dict[tuple[str, str], Any]:
    """Each value by item, without the names of lesions, which depend on one another."""
    referral = reading.referral
    values = {("", item): value for item, value in referral["patient"].items()}
    for lesion in referral["lesions"]:
        for item, value in lesion.items():
            if item != "id":
                values[lesion["id"], item] = value
    return values


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(payload=GARBAGE, drafts=GARBAGE)
def test_any_payload_gives_a_referral(payload: Any, drafts: Any) -> None:
    check(whole(payload, drafts))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from([word for word in WORDS if word[0].isupper() and word.isalpha()]),
    elements=st.lists(st.dictionaries(KEYS, GARBAGE, max_size=8), max_size=4),
)
def test_any_resource_gives_a_referral(kind: str, elements: list[dict[str, Any]]) -> None:
    resources = [{**one, "resourceType": kind} for one in elements]
    check(read(resources, RULEBOOK, AT, drafts=resources))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(NAMES), data=st.data())
def test_a_mutated_bundle_gives_a_referral(name: str, data: st.DataObject) -> None:
    """Parts replaced by anything, deleted or repeated; drafts as well."""
    fixture = copy.deepcopy({part: bundles()[name].get(part) for part in ("bundle", "drafts")})
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(fixture))))
        *way, last = path
        holder: Any = fixture
        for key in way:
            holder = holder[key]
        match data.draw(st.sampled_from(["replace", "delete", "null", "repeat"])):
            case "replace":
                holder[last] = data.draw(GARBAGE)
            case "null":
                holder[last] = None
            case "repeat" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[last]))
            case "delete" if way:
                del holder[last]
    check(whole(fixture.get("bundle"), fixture.get("drafts")))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(NAMES), data=st.data())
def test_what_is_stated_is_stated_by_the_resources_named(name: str, data: st.DataObject) -> None:
    """With a resource dropped, every value that is left names resources that are left: dropping one may make known what a
    contradiction hid, but never makes up a value."""
    fixture = bundles()[name]
    contents = resources_of(fixture["bundle"])
    resources, drafts = list(contents.resources), list(fixture.get("drafts", ()))
    if not resources:
        return
    del resources[data.draw(st.integers(0, len(resources) - 1))]
    reading = read(resources, RULEBOOK, AT, drafts=drafts, partial=contents.partial)
    check(reading)
    everything = {*_names(resources), *_names(drafts, len(resources))}
    for key, origins in reading.origins.items():
        assert key in stated(reading)
        assert set(origins.split(",")) <= everything


@pytest.mark.parametrize("name", NAMES)
def test_a_resource_that_cannot_be_used_states_nothing(name: str) -> None:
    """Each resource in turn loses its codes: no new value appears but where it had hidden one, and none comes from it."""
    fixture = bundles()[name]
    contents = resources_of(fixture["bundle"])
    before = read(contents.resources, RULEBOOK, AT, drafts=fixture.get("drafts", ()), partial=contents.partial)
    silenced = {(one.resource, one.code) for one in before.unused}
    for at, resource in enumerate(contents.resources):
        if resource["resourceType"] in ("Patient", "Medication", "Device", "DeviceUseStatement"):
            continue
        garbled = {name: value for name, value in resource.items() if name not in ("code", "medicationCodeableConcept")}
        garbled = {name: value for name, value in garbled.items() if name not in ("medicationReference", "reasonCode")}
        resources = [*contents.resources[:at], garbled, *contents.resources[at + 1 :]]
        after = read(resources, RULEBOOK, AT, drafts=fixture.get("drafts", ()), partial=contents.partial)
        check(after)
        own = _names([resource], at)[0]
        assert all(own not in origins.split(",") for origins in after.origins.values())
        appeared = {item for _, item in stated(after)} - {item for _, item in stated(before)}
        hidden = {
            "conflict",
            "superseded",
            "site-conflict",
            "not-only",
            "several-patients",
            "other-patient",
            "umbrella",
        }
        assert not appeared or hidden & {code for _, code in silenced}


def _names(resources: list[Any], start: int = 0) -> list[str]:
    """As the trace names them: by id where it is legal, by position otherwise."""
    names = []
    for place, resource in enumerate(resources, start + 1):
        own, kind = resource.get("id"), resource["resourceType"]
        legal = (
            isinstance(own, str) and own and all(mark.isascii() and (mark.isalnum() or mark in "-.") for mark in own)
        )
        names.append(f"{kind}/{own}" if legal else f"{kind}/#{place}")
    return names
