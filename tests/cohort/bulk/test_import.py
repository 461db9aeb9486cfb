"""An export of the fixtures' patients gives, row by row, the referrals that the EHR's door reads of the same resources."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from service.cohort.as_referral import AsReferral, grouped
from service.cohort.bulk.account import account
from service.cohort.bulk.run import import_folder
from service.cohort.layout import LESIONS, PATIENTS, found
from service.referral.case import CaseMaker
from service.referral.schema import ReferralReader
from service.referral.strict_json import canonical
from service.rulebook.model import Rulebook
from tests.cohort.bulk.exports import (
    AT,
    Resource,
    digest,
    lesion_of,
    read_directly,
    rebuilt,
    records,
    rows,
    write_export,
)
from tests.fixtures.reading import decider

#: the patients of the fixtures as they are, and each with a lesion more, so that all that is read of them comes out
RECORDS: dict[str, list[Resource]] = records()
CONCERNED = {patient: [*resources, lesion_of(patient)] for patient, resources in records(".1").items()}
ALL: Mapping[str, list[Resource]] = {**RECORDS, **CONCERNED}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, rulebook: Rulebook) -> Path:
    """What an import of all of them wrote."""
    folder = tmp_path_factory.mktemp("import")
    source = write_export(folder / "export", [one for resources in ALL.values() for one in resources])
    import_folder(source, folder / "cohort", rulebook, AT)
    return folder / "cohort"


@pytest.fixture(scope="module")
def result(out: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((out / "import.json").read_text(encoding="utf-8"))
    return read


def test_every_row_is_the_referral_that_the_door_reads(out: Path, rulebook: Rulebook) -> None:
    written = rebuilt(out, rulebook.vocabulary)
    directly = {patient: read_directly(resources, rulebook).referral for patient, resources in ALL.items()}
    expected = {patient: digest(one, rulebook) for patient, one in directly.items() if one["lesions"]}
    assert {patient: digest(one, rulebook) for patient, one in written.items()} == expected
    assert len(expected) > 50


def test_every_row_is_decided_as_the_door_decides(out: Path, rulebook: Rulebook) -> None:
    deciding = decider()
    written = rebuilt(out, rulebook.vocabulary)
    for patient in list(written)[::15]:
        directly = read_directly(ALL[patient], rulebook).referral
        assert canonical(deciding.decide(written[patient], AT)) == canonical(deciding.decide(directly, AT)), patient


def test_every_row_is_settled_as_the_door_reads(out: Path, rulebook: Rulebook) -> None:
    """The facts that the query reading has of a row, as far as a referral tells them."""
    maker, reader, rows_as = CaseMaker(rulebook), ReferralReader(rulebook.vocabulary), AsReferral(rulebook, AT)
    lesions = grouped(rows(out / "lesions.parquet"))

    def facts(referral: dict[str, Any]) -> list[Any]:
        case = maker.make(reader.read(referral), AT)
        return [case.patient.known, *((lesion.id, lesion.facts.known) for lesion in case.lesions)]

    for row in rows(out / "patients.parquet"):
        directly = read_directly(ALL[row["patient"]], rulebook).referral
        assert facts(rows_as.referral(row, lesions[row["patient"]])) == facts(directly), row["patient"]


def test_many_items_come_through(out: Path, rulebook: Rulebook) -> None:
    """The comparison above would hold of empty rows too."""
    items = {item for referral in rebuilt(out, rulebook.vocabulary).values() for item in referral["patient"]}
    types = {rulebook.vocabulary[item].type for item in items}
    assert len(items) > 15
    assert types >= {"flag", "number", "choice", "set"}


def test_what_is_not_used_is_counted_with_its_reason(result: dict[str, Any], rulebook: Rulebook) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for resources in ALL.values():
        reading = read_directly(resources, rulebook)
        if reading.referral["lesions"]:
            expected.update((one.resource.partition("/")[0], one.code) for one in reading.unused)
    expected = Counter({key: number for key, number in expected.items() if key[1] not in ("not-read", "not-linked")})
    counted = {(kind, code): number for kind, codes in result["unused"].items() for code, number in codes.items()}
    assert counted == dict(expected)
    assert len(counted) > 20


def test_the_account_is_told_in_both_languages(result: dict[str, Any]) -> None:
    french, english = (list(account(result, "cohort", language)) for language in ("fr", "en"))
    assert len(french) == len(english) > 15
    assert set(french) & set(english) == set()
    number = sum(number for codes in result["unused"].values() for number in codes.values())
    assert any(f"bone lesion: {number}" in line for line in english)


def test_everybody_is_accounted_for(result: dict[str, Any], out: Path) -> None:
    patients = result["patients"]
    assert patients["seen"] == len(ALL)
    assert patients["with_lesion"] + patients["without_lesion"] == len(ALL)
    assert patients["with_lesion"] == pq.read_metadata(out / "patients.parquet").num_rows
    assert result["lesions"] == pq.read_metadata(out / "lesions.parquet").num_rows
    assert result["lines"]["read"] == sum(map(len, ALL.values()))
    counted = {**result["resources"]["read"]}
    assert sum(counted.values()) + sum(result["resources"]["not_read"].values()) == result["lines"]["read"]


def test_the_tables_have_the_layout_of_a_cohort(out: Path, rulebook: Rulebook) -> None:
    for name, scope in ((PATIENTS, "patient"), (LESIONS, "lesion")):
        columns = pq.read_schema(out / f"{name}.parquet").names
        assert found(name, columns, rulebook.vocabulary, {scope}).unknown == ()  # type: ignore[arg-type]  # words of Scope
        written = rows(out / f"{name}.parquet")
        assert all(any(row[column] is not None for row in written) for column in columns)
        assert written == sorted(written, key=lambda row: (row["patient"], row.get("lesion", "")))


def test_the_work_is_taken_away(out: Path) -> None:
    assert sorted(path.name for path in out.parent.iterdir()) == ["cohort", "export"]
    assert sorted(path.name for path in out.iterdir()) == ["import.json", "lesions.parquet", "patients.parquet"]


def test_files_may_be_compressed_and_called_anything(out: Path, tmp_path: Path, rulebook: Rulebook) -> None:
    resources = [one for resources in ALL.values() for one in resources]
    source = write_export(tmp_path / "export", resources[::-1], compressed=True)
    for number, path in enumerate(sorted(source.iterdir())):
        path.rename(source / f"{number}.ndjson")
    import_folder(source, tmp_path / "cohort", rulebook, AT)
    assert rebuilt(tmp_path / "cohort", rulebook.vocabulary) == rebuilt(out, rulebook.vocabulary)


def test_cut_into_many_pieces_the_result_is_the_same(
    out: Path, tmp_path: Path, rulebook: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.cohort.bulk.export._LEAST", 5_000)
    monkeypatch.setattr("service.cohort.bulk.export._BUCKET", 15_000)
    source = write_export(tmp_path / "export", [one for resources in ALL.values() for one in resources])
    seen: set[tuple[str, int]] = set()
    result = import_folder(source, tmp_path / "cohort", rulebook, AT, tell=lambda what, _done, of: seen.add((what, of)))
    assert {of > 5 for what, of in seen if what.startswith("reading")} == {True}
    for name in ("patients", "lesions"):
        assert rows(tmp_path / "cohort" / f"{name}.parquet") == rows(out / f"{name}.parquet")
    first = json.loads((out / "import.json").read_text(encoding="utf-8"))
    assert {**result, "files": {}} == {**first, "files": {}}


def test_nobody_with_a_lesion_is_no_failure(tmp_path: Path, rulebook: Rulebook) -> None:
    source = write_export(tmp_path / "export", [{"resourceType": "Patient", "id": "a", "gender": "female"}])
    result = import_folder(source, tmp_path / "cohort", rulebook, AT)
    assert result["patients"]["without_lesion"] == 1
    assert pq.read_schema(tmp_path / "cohort" / "patients.parquet").names == ["patient", "recorded_at"]
    assert next(account(result, "cohort", "en")).startswith("cohort: 0 patients with a bone lesion")
