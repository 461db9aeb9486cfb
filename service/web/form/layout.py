"""Where each control stands: what matters first, then the next most useful questions, then everything else by section."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.rulebook.model import Rulebook
from service.tell.answer import Answer
from service.web.form.entries import PATIENT, name

#: questions asked at once: few enough to be read at a glance
ASKED = 4


@dataclass(frozen=True, slots=True)
class Question:
    """A question worth asking now, and what it can change."""

    owner: str
    item: str
    reason: str

    @property
    def name(self) -> str:
        return name(self.owner, self.item)


def shown_first(
    rulebook: Rulebook, owner: str, answered: Iterable[str], open_items: frozenset[str] | None
) -> list[str]:
    """The committee's first items for the patient, and those of a lesion that matter there: answered, or still open."""
    if owner == PATIENT:
        return [item for item in rulebook.asked_first if rulebook.vocabulary[item].scope == "patient"]
    known = set(answered)
    return [
        item
        for item in rulebook.asked_first
        if rulebook.vocabulary[item].scope == "lesion"
        and (open_items is None or name(owner, item) in open_items or name(owner, item) in known)
    ]


def open_in(answer: Answer | None, owners: Sequence[str], ids: Sequence[str]) -> frozenset[str] | None:
    """`owner:item` of everything that is still open for an option that may be offered; None without an answer."""
    if answer is None:
        return None
    owner_of = dict(zip(ids, owners, strict=True))
    found = set()
    for lesion in answer["lesions"]:
        for option in lesion["options"]:
            for key in ("questions", "to_verify", "may_call_for_precautions"):
                for item in option.get(key, ()):
                    found.add(name(owner_of.get(item.get("lesion", ""), PATIENT), item["item"]))
    return frozenset(found)


def next_questions(
    answer: Answer | None,
    owners: Sequence[str],
    ids: Sequence[str],
    technique_labels: Mapping[str, str],
    settled: Iterable[str],
    language: str,
) -> list[Question]:
    """The service's own questions in their order, without those that stand elsewhere or were answered «not known»."""
    if answer is None:
        return []
    owner_of = dict(zip(ids, owners, strict=True))
    left_out = set(settled)
    questions = []
    for entry in answer["questions"]:
        owner = owner_of[entry["lesion"]] if "lesion" in entry else PATIENT
        if name(owner, entry["item"]) not in left_out:
            questions.append(Question(owner, entry["item"], _reason(entry, technique_labels, language)))
    return questions


def _reason(entry: Answer, labels: Mapping[str, str], language: str) -> str:
    """What the answer to a question can change, in a few words."""
    if entry["alerts"]:
        return "Can raise an alert" if language == "en" else "Peut déclencher une alerte"
    techniques = list(dict.fromkeys(labels[effect["technique"]].lower() for effect in entry["effects"]))
    shown = ", ".join(techniques[:2])
    more = len(techniques) - 2
    if language == "en":
        return f"Bears on: {shown}" + (f" and {more} more" if more > 0 else "")
    return f"Compte pour : {shown}" + (f" et {more} de plus" if more > 0 else "")
