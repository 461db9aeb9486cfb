"""Which number may follow: never a patch when a patient is offered more, a major one when a referral may be refused."""

import pytest

from service.bundle.manifest import Edition
from service.workbench.publish.numbering import Version, after, first, version

BEFORE = Edition("1.4.2", "0" * 64)


@pytest.mark.parametrize(
    ("grade", "refusals", "lowest"),
    [
        ("wording", [], "1.4.3"),
        ("evidence", [], "1.4.3"),
        ("tightening", [], "1.4.3"),
        ("mixed", [], "1.5.0"),
        ("loosening", [], "1.5.0"),
        ("wording", ["blood.platelets is gone"], "2.0.0"),
        ("loosening", ["blood.platelets is gone"], "2.0.0"),
    ],
)
def test_the_lowest_that_may_follow(grade, refusals, lowest):
    numbers = after(BEFORE, grade, refusals)
    assert str(numbers.lowest) == lowest
    assert numbers.refused(numbers.lowest) is None
    assert numbers.refused(Version(3, 0, 0)) is None


@pytest.mark.parametrize("wanted", ["1.4.3", "1.4.2", "1.4.0", "0.9.0"])
def test_a_loosening_is_never_a_patch(wanted):
    numbers = after(BEFORE, "loosening", [])
    refused = numbers.refused(version(wanted))
    assert refused is not None
    assert "1.5.0 (minor)" in refused
    assert "loosening" in refused


def test_the_reason_names_what_breaks():
    refused = after(BEFORE, "wording", ["blood.platelets is gone", "pain.nrs: was a number, is a flag"]).refused(
        Version(1, 9, 0)
    )
    assert refused is not None
    for said in ("2.0.0 (major)", "blood.platelets is gone", "pain.nrs: was a number, is a flag"):
        assert said in refused


def test_the_first_is_what_the_rulebook_says():
    numbers = first(Version(0, 3, 0))
    assert numbers.refused(Version(0, 3, 0)) is None
    assert numbers.refused(Version(1, 0, 0)) is None
    assert "0.2.9 is lower than 0.3.0" in (numbers.refused(Version(0, 2, 9)) or "")


def test_numbers_are_compared_as_numbers():
    assert version("1.10.0") > version("1.9.9")  # type: ignore[operator]
    for text in ("1.0", "1.0.0.0", "v1.0.0", "1.0.0-rc.1", "01.0.0", "1.0.0\n", "", "a.b.c", "1.0.9999999999"):
        assert version(text) is None
