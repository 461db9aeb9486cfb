"""Cases as the fact columns of the query reading, and what the run reading says of them in the same columns."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa

from service.language.facts import Case, Listing, Moment, Value
from service.language.kleene import YES
from service.language.vocabulary import Scope
from service.query.columns import (
    LESION,
    PATIENT,
    FactColumns,
    column,
    days_column,
    high_column,
    low_column,
    word_column,
)
from service.recommend.questions import asked_of
from service.recommend.ranking import Ranked
from service.recommend.recommendation import LesionRecommendation, Recommendation, recommend
from service.referral.complaints import ReferralError
from service.rulebook.model import MODE_KINDS, Rulebook
from service.workbench.cohort import fixtures, varied
from tests.strategies import REFERRALS, Sent, decider

_ARROW = {"boolean": pa.bool_(), "float64": pa.float64(), "int64": pa.int64(), "string": pa.string()}

#: (patient, lesion, technique) -> what is said of the option
Options = dict[tuple[str, str, str], dict[str, Any]]
#: (patient, lesion) -> what is said of the lesion
Lesions = dict[tuple[str, str], dict[str, Any]]


def fact_row(known: Mapping[str, Value], columns: FactColumns, scope: Scope) -> dict[str, Any]:
    """The facts of one patient or lesion."""
    row: dict[str, Any] = {}
    for item in columns.items:
        if item.scope != scope:
            continue
        value = known.get(item.id)
        if item.type == "set":
            for word in columns.words(item.id):
                row[word_column(item.id, word)] = value.holds(word) if isinstance(value, Listing) else None
        elif item.type == "moment":
            moment = value if isinstance(value, Moment) else None
            row[low_column(item.id)] = moment and moment.since[0]
            row[high_column(item.id)] = moment and moment.since[1]
            row[days_column(item.id)] = moment and moment.days
        else:
            row[column(item.id)] = value
    return row


def tables(cases: Mapping[str, Case], rulebook: Rulebook) -> tuple[pa.Table, pa.Table]:
    """The two tables of facts: of the patients, whose ids are the keys, and of their lesions."""
    columns = FactColumns(rulebook)
    patients = [{PATIENT: name, **fact_row(case.patient.known, columns, "patient")} for name, case in cases.items()]
    lesions = [
        {PATIENT: name, LESION: lesion.id, **fact_row(lesion.facts.known, columns, "lesion")}
        for name, case in cases.items()
        for lesion in case.lesions
    ]
    return (
        pa.Table.from_pylist(patients, schema=_schema([PATIENT], columns.of("patient"))),
        pa.Table.from_pylist(lesions, schema=_schema([PATIENT, LESION], columns.of("lesion"))),
    )


def _schema(keys: list[str], types: Mapping[str, str]) -> pa.Schema:
    return pa.schema([*((key, pa.string()) for key in keys), *((name, _ARROW[kind]) for name, kind in types.items())])


def random_cases(count: int, at: datetime, rulebook: Rulebook, seed: int) -> dict[str, Case]:
    """Cases at one moment: variations of the fixtures, with lesions of others and much or little that is lost."""
    random = Random(seed)  # noqa: S311  # nothing is kept secret here
    subjects = varied(fixtures(REFERRALS, rulebook.info.timezone), [rulebook], count * 3, seed)
    found: dict[str, Case] = {}
    for subject in subjects:
        data = moved(subject.referral, at.date() - subject.at.date())
        for number in range(random.choice([0, 0, 0, 1, 3, 5])):
            other = random.choice(subjects).referral["lesions"]
            data["lesions"].append(
                moved({**random.choice(other), "id": f"other-{number}"}, at.date() - subject.at.date())
            )
        share = random.choice([0.0, 0.0, 0.02, 0.1, 0.4])
        for part in (data["patient"], *data["lesions"]):
            for name in [name for name in part if name != "id" and random.random() < share]:
                del part[name]
        try:
            # Later than the fixtures say: what was fresh then has aged, and holds are over.
            case = case_of(Sent(at, data))
        except ReferralError:
            continue
        found[f"p{len(found)}"] = case
        if len(found) == count:
            return found
    raise AssertionError("too many of the variations are contradictory")


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?=T|\Z)")


def moved(data: Any, by: timedelta) -> Any:
    """The same with every date so much later."""
    if isinstance(data, dict):
        return {name: moved(value, by) for name, value in data.items()}
    if isinstance(data, list):
        return [moved(value, by) for value in data]
    if isinstance(data, str) and (found := _DAY.match(data)):
        return (date.fromisoformat(found.group()) + by).isoformat() + data[found.end() :]
    return data


def case_of(sent: Sent) -> Case:
    deciding = decider()
    return deciding._cases.make(deciding._reader.read(sent.data), sent.at)


def expected(cases: Mapping[str, Case], rulebook: Rulebook) -> tuple[Options, Lesions]:
    """What the run reading says: of every option, and of every lesion."""
    options: Options = {}
    lesions: Lesions = {}
    for name, case in cases.items():
        recommendation = recommend(decider()._judge, case)
        for lesion in recommendation.lesions:
            at = lesion.judgement.lesion
            for ranked in lesion.ranked:
                options[name, at, ranked.option.technique.id] = _told(ranked, lesion, rulebook)
            lesions[name, at] = {
                "alerts": " ".join(_alerts(recommendation, at)) or None,
                "first": lesion.ranked[0].option.technique.id,
                "first_status": lesion.ranked[0].option.status,
            }
    return options, lesions


def _alerts(recommendation: Recommendation, lesion: str) -> Iterable[str]:
    return (alert.rule for alert in recommendation.alerts if not alert.lesions or lesion in alert.lesions)


def _told(ranked: Ranked, lesion: LesionRecommendation, rulebook: Rulebook) -> dict[str, Any]:
    option, verdicts = ranked.option, lesion.judgement.verdicts
    chosen = {kind: option.chosen(kind) for kind in MODE_KINDS}
    closed = option.status in ("preempted", "excluded", "not_indicated")
    asked = () if closed else asked_of(option, lesion.judgement)
    return {
        "rank": ranked.rank,
        "status": option.status,
        "standing": ranked.standing,
        **{kind: choice.mode if choice else None for kind, choice in chosen.items()},
        "if_well": option.if_well,
        "wait_hours": None if option.earliest is None else round(lesion.maker.hours_until(option.earliest), 6),
        "reasons": {
            rulebook.bound[place].rule.id
            for arguments in option.bearing_arguments()
            for place in arguments.all()
            if verdicts[place] == YES
        },
        "questions": {item.item for _, items in asked for item in items if item.item not in rulebook.checklist},
    }


def answered(rows: Iterable[Mapping[str, Any]]) -> Options:
    """The rows of `Outcome.recommendations` in the form of `expected`."""
    found: Options = {}
    for row in rows:
        told = {name: value for name, value in row.items() if name not in (PATIENT, LESION, "technique")}
        for name in ("reasons", "questions"):
            words = (told[name] or "").split()
            assert len(words) == len(set(words)), f"an id stands twice in {name}"
            told[name] = set(words)
        told["wait_hours"] = None if told["wait_hours"] is None else round(told["wait_hours"], 6)
        key = (row[PATIENT], row[LESION], row["technique"])
        assert key not in found, f"an option stands twice: {key}"
        found[key] = told
    return found


def lesions_answered(rows: Iterable[Mapping[str, Any]]) -> Lesions:
    """The rows of `Outcome.lesions` in the form of `expected`."""
    return {
        (row[PATIENT], row[LESION]): {name: value for name, value in row.items() if name not in (PATIENT, LESION)}
        for row in rows
    }
