"""What of the truth is written down: missing values, dates, units, faults; and that one never changes another."""

from collections import Counter
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest

from service.cohort.generate.cohort import CHUNK, parts
from service.query.columns import column
from tests.cohort.generate.made import AT, changed, columns, design, part, wanted
from tests.strategies import rulebook

NUMBER = 800


def shown(odds: float = 1.0, faults: float = 0.0) -> dict[str, list[Any]]:
    """Every column of an item, companions left out."""
    patients, lesions = columns(NUMBER, odds, faults)
    return {
        item.id: (patients if item.scope == "patient" else lesions)[column(item.id)] for item in rulebook().vocabulary
    }


def known(values: list[Any]) -> int:
    return sum(value is not None for value in values)


def test_every_item_of_the_vocabulary_is_there_sometimes() -> None:
    made = part(20_000)
    empty = [
        name
        for table in (made.patients, made.lesions)
        for name in table.column_names
        if table[name].null_count == table.num_rows
    ]
    assert empty == []


def test_a_complete_cohort_lacks_only_what_does_not_apply() -> None:
    applies = {each.item.id for each in design().drawn if each.applies is None and each.follows is None}
    exists = {each.item.id for each in design().drawn if all(case.exists == 100 for case in each.cases)}
    for item, values in shown(0.0).items():
        if item in applies & exists:
            assert known(values) == len(values), item
    patients, _ = columns(NUMBER, 0.0)
    assert all(patients["medications__complete"])
    assert not any(patients["medications__absent"])


def test_a_complete_cohort_is_recent() -> None:
    patients, lesions = columns(NUMBER, 0.0)
    dated = {name: values for table in (patients, lesions) for name, values in table.items() if name.endswith("__date")}
    dated["recorded_at"] = patients["recorded_at"]
    for name, values in dated.items():
        for value in values:
            if isinstance(value, datetime):
                assert 0 <= (AT - value).total_seconds() <= 20 * 3600, name
            elif value is not None:
                assert 0 <= (AT.date() - value).days <= 1, name


def test_more_is_missing_the_sparser() -> None:
    numbers = []
    for odds in (0.0, 0.3, 1.0, 4.0):
        made = part(NUMBER, odds)
        numbers.append(sum(column.length() - column.null_count for column in (*made.patients, *made.lesions)))
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 4


def test_what_is_missing_is_missing_together_in_one_centre_and_in_one_section() -> None:
    patients, _ = columns(NUMBER, 1.0)
    flags = [
        name for name, values in patients.items() if isinstance(next((v for v in values if v is not None), None), bool)
    ]
    there = np.array(
        [[value is not None for value in patients[name]] for name in flags if not name.endswith("complete")]
    )
    per_patient = there.mean(axis=0)
    # Were each value lost on its own, shares per patient would spread far less.
    alone = (there.mean(axis=1) * (1 - there.mean(axis=1))).sum() / len(there) ** 2
    assert per_patient.var() > 4 * alone
    airway = [patients[name] for name in patients if name.startswith("airway__")]
    whole = sum(all(values[at] is None for values in airway) for at in range(NUMBER)) / NUMBER
    assert 0.25 < whole < 0.6


def test_a_centre_that_leaves_out_much_does_so_in_every_section() -> None:
    patients, _ = columns(NUMBER, 1.0)
    gone = [
        np.array([[value is None for value in patients[name]] for name in patients if name.startswith(start)]).mean(
            axis=0
        )
        for start in ("blood__fixed", "cardiac__", "home__", "neuro__", "patient__refuses")
    ]
    together = np.corrcoef(gone)[np.triu_indices(len(gone), 1)]
    assert together.mean() > 0.08


def test_a_last_dose_stands_beside_a_list_that_names_the_drug() -> None:
    patients, _ = columns(NUMBER, 1.0)
    told = 0
    for item in rulebook().vocabulary:
        prefix, _, word = item.id.partition(".")
        if prefix in ("last_dose", "dose"):
            kept = patients["medications" if prefix == "last_dose" else "opioids"]
            for value, words in zip(patients[column(item.id)], kept, strict=True):
                assert value is None or word in (words or ())
                told += value is not None
    assert told > 300


def test_missing_values_change_no_value_that_is_there() -> None:
    full, sparse = shown(0.0), shown(4.0)
    lists = {item.id for item in rulebook().vocabulary if item.type == "set"}
    for item, values in sparse.items():
        if item not in lists:
            assert all(value is None or value == whole for value, whole in zip(values, full[item], strict=True)), item


def test_a_list_that_is_not_complete_forgets_and_denies_and_never_both() -> None:
    full, _ = columns(NUMBER, 0.0)
    patients, _ = columns(NUMBER, 1.0)
    forgotten = denied = 0
    for has, words, absent, complete in zip(
        full["medications"],
        *(patients[f"medications{what}"] for what in ("", "__absent", "__complete")),
        strict=True,
    ):
        if words is None:
            assert absent is None
            assert complete is None
            continue
        assert set(words) <= set(has)
        assert not set(absent) & set(has)
        if complete:
            assert (words, absent) == (has, [])
        forgotten += len(has) - len(words)
        denied += len(absent)
    assert forgotten > 30
    assert denied > 200


def test_no_date_lies_after_the_as_of_moment() -> None:
    for table in columns(NUMBER, 1.0):
        for name, values in table.items():
            for value in values:
                if isinstance(value, datetime):
                    assert value <= AT, name
                elif isinstance(value, date):
                    assert value <= AT.date(), name


# ---- units ----


def test_units_are_accepted_and_mean_the_same_value() -> None:
    patients, lesions = columns(NUMBER, 0.0)
    plain_patients, plain_lesions = _tables_without_units()
    mixed = 0
    for item in rulebook().vocabulary:
        table, plain = (patients, plain_patients) if item.scope == "patient" else (lesions, plain_lesions)
        units = table.get(f"{column(item.id)}__unit")
        if units is None:
            continue
        used = Counter(units)
        assert set(used) - {None} <= set(item.units), item.id
        assert used.most_common(1)[0][0] == item.unit
        mixed += len(set(used) - {None}) > 1
        for value, unit, own in zip(table[column(item.id)], units, plain[column(item.id)], strict=True):
            assert (value is None) == (unit is None)
            if value is not None:
                converted = item.in_unit(value, unit)
                assert item.low <= converted <= item.high
                # One step of the item, or half the last digit that is written in the other unit.
                assert converted == pytest.approx(own, abs=max(item.step, 0.06 * item.units[unit]), rel=0.02), item.id
    assert mixed >= 9


def _tables_without_units() -> tuple[dict[str, Any], dict[str, Any]]:
    start = "laboratories: {usual: 76, american: 10, older: 9, metric: 5}"
    plain = design(changed((start, "laboratories: {usual: 100, american: 0, older: 0, metric: 0}")))
    made = part(NUMBER, 0.0, of=plain)
    return made.patients.to_pydict(), made.lesions.to_pydict()


# ---- faults ----


def test_faults_are_as_many_as_asked_for_and_leave_the_rest_alone() -> None:
    clean, faulty = columns(NUMBER, 1.0), columns(NUMBER, 1.0, 0.05)
    struck, cells = Counter(), Counter()
    for before, after in zip(clean, faulty, strict=True):
        assert list(before) == list(after)
        for name, values in before.items():
            if name not in ("patient", "lesion", "recorded_at"):
                cells[name] = known(values)
                struck[name] = sum(old != new for old, new in zip(values, after[name], strict=True))
                assert [value is None for value in values] == [value is None for value in after[name]]
    numbers = [column(item.id) for item in rulebook().vocabulary if item.type == "choice"]
    share = sum(struck[name] for name in numbers) / sum(cells[name] for name in numbers)
    assert share == pytest.approx(0.05, abs=0.01)
    assert struck["patient__sex"] > 0
    assert struck["patient__mdt_decision"] == 0


def test_each_kind_of_fault_is_one_that_nobody_can_use() -> None:
    patients, lesions = columns(NUMBER, 1.0, 0.2)
    vocabulary = rulebook().vocabulary
    found: Counter[str] = Counter()
    for item in vocabulary:
        name = column(item.id)
        table = patients if item.scope == "patient" else lesions
        units = table.get(f"{name}__unit", [None] * len(table[name]))
        dates = table.get(f"{name}__date", [None] * len(table[name]))
        for value, unit, on in zip(table[name], units, dates, strict=True):
            if value is None:
                continue
            if unit is not None and unit not in item.units:
                found["unit"] += 1
            elif item.type == "number" and not item.low <= item.in_unit(value, unit) <= item.high:
                found["range"] += 1
            if item.type == "choice" and value not in item.choices:
                found["word"] += 1
            if item.type == "set" and not set(value) <= set(item.choices):
                found["list word"] += 1
            found["future"] += _later(on)
            if item.type == "moment":
                found["moment to come"] += _later(value)
            if on is not None and item.fresh_for is not None and not _later(on):
                found["stale"] += (
                    AT.date() - (on.date() if isinstance(on, datetime) else on)
                ).days * 24 > item.fresh_for
    both = zip(patients["medications"], patients["medications__absent"], strict=True)
    # The two were taken together; a fault in the date of one leaves the other's.
    pair = zip(patients["blood__platelets__date"], patients["blood__haemoglobin__date"], strict=True)
    assert sum(_later(first) and second is not None and not _later(second) for first, second in pair) > 20
    found["contradictory"] = sum(bool(set(has or ()) & set(lacks or ())) for has, lacks in both)
    assert all(found[kind] > 5 for kind in (
        "unit", "range", "word", "list word", "future", "stale", "contradictory", "moment to come"
    )), found  # fmt: skip


def _later(value: Any) -> bool:
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    if isinstance(value, datetime):
        return value > AT
    return value is not None and value > AT.date()


# ---- one change at a time ----


def test_an_item_that_is_added_changes_no_other() -> None:
    name = "  pain.improving:\n"
    start = changed((name, name))
    block = start[start.index(name) : start.index("  pain.nrs_in_position:")]
    without = part(NUMBER, of=design(changed((block, ""))))
    whole = part(NUMBER)
    for before, after in ((without.patients, whole.patients), (without.lesions, whole.lesions)):
        for column_name in before.column_names:
            assert before[column_name].equals(after[column_name]), column_name
    assert set(whole.lesions.column_names) - set(without.lesions.column_names) == {"pain__improving"}


def test_another_seed_gives_other_patients() -> None:
    ages = [part(NUMBER, seed=seed).patients["patient__age"].to_pylist() for seed in (3, 4)]
    assert sum(first != second for first, second in zip(*ages, strict=True)) > NUMBER * 0.8


def test_a_cohort_of_several_chunks_goes_on_where_one_ended() -> None:
    book = rulebook()
    first, second = parts(design(), book, wanted(CHUNK + 5))
    assert (first.first, first.patients.num_rows) == (1, CHUNK)
    assert (second.first, second.patients.num_rows) == (CHUNK + 1, 5)
    assert second.patients["patient"].to_pylist()[0] == f"synthetic-{CHUNK + 1:07d}"
    assert set(second.lesions["patient"].to_pylist()) == set(second.patients["patient"].to_pylist())
    assert first.patients.schema == second.patients.schema
    # The chunks do not repeat one another.
    assert second.patients.slice(0, 5).drop(["patient"]) != first.patients.slice(0, 5).drop(["patient"])
