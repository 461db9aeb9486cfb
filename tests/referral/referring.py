"""Referrals to be spoilt, and what is said of them."""

import copy
import json
from datetime import datetime
from typing import Any

import pytest

from service.language.facts import Case
from service.referral.case import CaseMaker
from service.referral.complaints import Complaint, ReferralError
from service.referral.schema import ReferralReader
from service.referral.strict_json import parse
from tests.fixtures.reading import decider, fixtures

AT = datetime.fromisoformat("2026-11-23T09:00:00+01:00")


def ordinary() -> dict[str, Any]:
    """A complete referral with one lesion, to be changed at will."""
    changeable: dict[str, Any] = copy.deepcopy(fixtures()["vertebroplasty-complete-referral"].data["referral"])
    return changeable


def small(patient: dict[str, Any] | None = None, lesion: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The smallest referral, with these values in it."""
    return {
        "recorded_at": "2026-11-23",
        "patient": patient or {},
        "lesions": [{"id": "L2", "lesion.site": "vertebra", **(lesion or {})}],
        **more,
    }


def reader() -> ReferralReader:
    return ReferralReader(decider().rulebook.vocabulary)


_READER = reader()
_MAKER = CaseMaker(decider().rulebook)


def case_of(referral: Any, at: datetime = AT) -> Case:
    """The case of a referral given as JSON text or plain data. Raises ReferralError."""
    body = referral if isinstance(referral, bytes) else json.dumps(referral).encode()
    return _MAKER.make(_READER.read(parse(body)), at)


def complaints_of(referral: Any, at: datetime = AT) -> list[Complaint]:
    with pytest.raises(ReferralError) as refused:
        case_of(referral, at)
    return list(refused.value.complaints)


def places(referral: Any, at: datetime = AT) -> list[tuple[str, str]]:
    """(code, pointer) of every complaint, in order of pointer."""
    return sorted(
        ((each.code, each.pointer) for each in complaints_of(referral, at)), key=lambda pair: (pair[1], pair[0])
    )


def well_said(complaint: Complaint) -> bool:
    """In French and in English, without a trace of the machine."""
    texts = (complaint.text.fr, complaint.text.en)
    return all(text.strip() for text in texts) and not any(
        part in text for text in texts for part in ("None", "Traceback", "<class", "{}", "object at", "inf ")
    )
