"""A counterexample patient, for a person to read and for the form to open."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from service.decision import Decider
from service.language.facts import Value
from service.prove.questions import Finding
from service.referral.case import CaseMaker
from service.referral.complaints import ReferralError
from service.referral.schema import ReferralReader
from service.rulebook.model import Rulebook
from service.tell.values import told


def described(rulebook: Rulebook, finding: Finding, language: str) -> tuple[str, ...]:
    """What is known of the patient, a line each: «Plaquettes : 49 G/L». Nothing else is known of them."""
    if finding.witness is None or finding.at is None:
        return ()
    try:
        referral = ReferralReader(rulebook.vocabulary).read(finding.witness)
        case = CaseMaker(rulebook).make(referral, datetime.fromisoformat(finding.at))
    except ReferralError as error:
        return tuple(complaint.text.in_(language) for complaint in error.complaints)
    lines = list(_lines(rulebook, case.patient.known, language))
    for lesion in case.lesions:
        known = list(_lines(rulebook, lesion.facts.known, language))
        if known or len(case.lesions) > 1:
            lines += [f"{'Lesion' if language == 'en' else 'Lésion'} {lesion.id}", *(f"  {line}" for line in known)]
    return tuple(lines)


def _lines(rulebook: Rulebook, known: Mapping[str, Value], language: str) -> Iterator[str]:
    colon = ":" if language == "en" else " :"
    for name, value in known.items():
        item = rulebook.vocabulary[name]
        yield f"{item.label.in_(language)}{colon} {told(item, value, language)}"


def agrees(decider: Decider, finding: Finding) -> bool:
    """Whether both engines decide the witness at all: a proof may speak of a patient whom no referral can describe."""
    if finding.witness is None or finding.at is None:
        return True
    try:
        decider.recommend(finding.witness, datetime.fromisoformat(finding.at))
    except ReferralError:
        return False
    return True


def file_name(finding: Finding) -> str:
    """A name for the witness's own file."""
    return re.sub(r"[^a-z0-9]+", "-", finding.id.lower()).strip("-")[:80] + ".json"


def as_json(finding: Finding) -> str:
    """The witness as the form imports it and the API takes it."""
    return json.dumps(finding.witness, ensure_ascii=False, indent=2) + "\n"
