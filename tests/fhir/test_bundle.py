"""Resources out of what EHRs send, and out of what they should not."""

from typing import Any

import pytest

from service.fhir.bundle import ANY, MAX_DEPTH, resources_of

PLATELETS = {"resourceType": "Observation", "id": "a"}
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}


def searchset(*resources: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **more}


@pytest.mark.parametrize("payload", [PLATELETS, [PLATELETS], searchset(PLATELETS), [None, searchset(PLATELETS)]])
def test_a_resource_is_found_wherever_it_stands(payload: Any) -> None:
    assert resources_of(payload) == ((PLATELETS,), frozenset(), ())


@pytest.mark.parametrize("payload", [None, [], {"resourceType": "Bundle"}, searchset(), searchset(entry=None)])
def test_nothing_is_nothing_and_no_fault(payload: Any) -> None:
    assert resources_of(payload) == ((), frozenset(), ())


@pytest.mark.parametrize("payload", ["text", 3, True, {}, {"resourceType": 3}, searchset(entry={"a": 1}), [3]])
def test_what_is_no_resource_is_a_fault(payload: Any) -> None:
    contents = resources_of(payload)
    assert contents.resources == ()
    assert [fault.code for fault in contents.faults] == ["not-a-resource"]


def test_an_operation_outcome_is_a_fault_and_its_list_partial() -> None:
    assert [fault.code for fault in resources_of(OUTCOME).faults] == ["outcome"]
    contents = resources_of(searchset(PLATELETS, OUTCOME))
    assert contents.resources == (PLATELETS,)
    assert contents.partial == {"Observation"}
    assert [fault.resource for fault in contents.faults] == ["OperationOutcome/#2"]
    assert resources_of(searchset(OUTCOME)).partial == {ANY}


def test_an_outcome_that_only_informs_leaves_the_list_whole() -> None:
    told = {**OUTCOME, "issue": [{"severity": "information", "code": "informational"}]}
    assert resources_of(searchset(PLATELETS, told)).partial == frozenset()


@pytest.mark.parametrize("issue", [None, [], "x", [{"severity": 3}], [{"severity": ["error"]}]])
def test_an_outcome_that_says_nothing_clear_makes_the_list_partial(issue: Any) -> None:
    assert resources_of(searchset(PLATELETS, {**OUTCOME, "issue": issue})).partial == {"Observation"}


def test_a_next_page_or_a_larger_total_makes_the_list_partial() -> None:
    pages = [{"relation": "self", "url": "x"}, {"relation": "next", "url": "y"}]
    assert resources_of(searchset(PLATELETS, link=pages)).partial == {"Observation"}
    assert resources_of(searchset(PLATELETS, total=2)).partial == {"Observation"}
    assert resources_of(searchset(total=2)).partial == {ANY}
    for whole in ({"link": pages[:1]}, {"total": 1}, {"total": True}, {"total": "2"}, {"link": "next"}, {"link": [3]}):
        assert resources_of(searchset(PLATELETS, **whole)).partial == frozenset()


def test_only_the_paged_bundle_is_partial() -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "n"}
    contents = resources_of([searchset(PLATELETS, total=9), searchset(allergy, total=1)])
    assert contents.partial == {"Observation"}


def test_an_entry_without_id_takes_that_of_its_urn() -> None:
    url = "urn:uuid:11111111-0000-4000-8000-000000000001"
    entry = {"fullUrl": url, "resource": {"resourceType": "Patient"}}
    (patient,) = resources_of({"resourceType": "Bundle", "entry": [entry]}).resources
    assert patient["id"] == url.removeprefix("urn:uuid:")
    assert "id" not in entry["resource"]
    entry = {"fullUrl": url, "resource": {"resourceType": "Patient", "id": "own"}}
    (patient,) = resources_of({"resourceType": "Bundle", "entry": [entry]}).resources
    assert patient["id"] == "own"


def test_a_response_without_a_resource_is_passed_over() -> None:
    sent = {"resourceType": "Bundle", "entry": [{"response": {"status": "404"}}, {"resource": PLATELETS}]}
    assert resources_of(sent) == ((PLATELETS,), frozenset(), ())


def test_bundles_in_bundles_end_somewhere() -> None:
    nested: Any = PLATELETS
    for _ in range(MAX_DEPTH - 1):
        nested = searchset(nested)
    assert resources_of(nested).resources == (PLATELETS,)
    contents = resources_of(searchset(nested))
    assert contents.resources == ()
    assert [fault.code for fault in contents.faults] == ["not-a-resource"]
