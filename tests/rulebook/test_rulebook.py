"""The project's own rules: they load, they are as many as they should be, and they keep their promises."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.language.kleene import YES
from service.language.meaning import Meaning, Situation
from service.language.tree import items_of, leaves
from service.recommend.options import BINDING
from service.rulebook.load import load_rulebook
from service.rulebook.model import Arguments, Rulebook
from tests.fixtures.reading import RULES, decider, fixtures, read_yaml
from tests.tell.aloud import faults_of_sentence, faults_of_text

#: kinds of knowledge that are not a publication: nothing can be checked against them
UNCHECKABLE = {"PRACTICE", "PROPOSAL"}

#: in the bibliography as background; no rule rests on them yet
BACKGROUND = {
    *("AFSOS20", "ASA-FSH", "ASA17-MIRROR", "BARRAGAN06", "BARTON96", "CANCERLINK", "COCHRANE18", "DASSA20"),
    *("DICOM-FSH", "DIGIPOD", "GANGI10", "GHAI", "HADI21", "HQO16", "KODIA", "LAREDO-ORCEL", "LOBLAW07", "LOINC"),
    *("MCODE", "MEDSCAPE", "NEUROMD", "PKPLA20", "PMSI-R", "RAMSAY19", "RAMSEY20", "RRA", "SAAD22", "SMT-FSH"),
    *("SNO-ASA", "SNO-BONE", "TOKU-BULLET", "TOKU-NICE", "WANG19", "ZOCCALI16"),
}

#: French texts that are longer than this and equal to the English were not translated
WORDS_ALIKE = 2

#: what closes with a full stop, by the key it stands under
SENTENCES = {"because", "precaution", "action", "by", "help", "summary", "notice", "note"}


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return decider().rulebook


@pytest.fixture(scope="module")
def files() -> dict[str, Any]:
    """The content of every rule file, by its path."""
    return {path.relative_to(RULES).as_posix(): read_yaml(path) for path in sorted(RULES.rglob("*.yaml"))}


def test_it_has_the_size_that_was_asked_for(book: Rulebook) -> None:
    assert len(book.rules) >= 150
    assert len(book.vocabulary.items) >= 100
    assert len(book.techniques) >= 20
    assert {score for score in ("sins", "mirels", "stop_bang", "medd") if score not in book.scores} == set()
    assert {kind for kind, _ in book.modes} == {"anaesthesia", "guidance", "stay"}


def test_every_technique_has_an_indication_and_contraindications_of_both_kinds(book: Rulebook) -> None:
    lacking = {
        name: kinds
        for name, dossier in book.dossiers.items()
        if (
            kinds := [
                kind
                for kind, bound in (
                    ("indication", dossier.own.indications),
                    ("absolute", dossier.own.excluding + dossier.own.deferring),
                    ("relative", dossier.own.cautions),
                )
                if not bound
            ]
        )
    }
    assert lacking == {}


def test_every_rule_bears_on_something(book: Rulebook) -> None:
    """A rule whose target no technique bears would be a promise that is never kept."""
    bearing = {
        place
        for dossier in book.dossiers.values()
        for arguments in (dossier.own, *(arguments for modes in dossier.modes.values() for arguments in modes.values()))
        for place in arguments.all()
    } | set(book.warnings)
    assert {bound.place for bound in book.bound} == bearing
    idle = [book.rules[name] for name in sorted(set(book.rules) - {bound.rule.id for bound in book.bound})]
    # A rule against a mode may guard techniques that do not admit that mode today; one in favour would be a mistake.
    assert [rule.id for rule in idle if rule.target.mode is None or rule.claim != "contraindicates"] == []
    for rule in idle:
        wanted = set(rule.target.traits)
        assert any(wanted <= technique.traits for technique in book.techniques.values()), rule.id
    assert len(idle) <= 10, [rule.id for rule in idle]


def test_every_trait_mode_item_score_and_setting_is_used(book: Rulebook, files: dict[str, Any]) -> None:
    text = book.content
    traits = {trait for technique in book.techniques.values() for trait in technique.traits}
    spoken_of = {trait for rule in book.rules.values() for trait in rule.target.traits}
    assert sorted(set(book.traits) - traits) == []
    assert sorted(spoken_of - traits) == []
    admitted = {
        (kind, mode)
        for technique in book.techniques.values()
        for kind, modes in technique.modes.items()
        for mode in modes
    }
    assert set(book.modes) - admitted == set()
    assert [name for name in book.settings if f"site.{name}" not in text] == []
    assert [name for name in book.scores if f"score.{name}" not in text] == []


def test_every_item_is_asked_by_some_rule_or_declared_for_a_reason(book: Rulebook) -> None:
    """An item that nothing reads is a question asked for nothing."""
    without_vocabulary = "".join(
        (RULES / name).read_text("utf-8")
        for name in (path.relative_to(RULES).as_posix() for path in RULES.rglob("*.yaml"))
        if not name.startswith("vocabulary/")
    )
    unread = [
        item.id
        for item in book.vocabulary
        if not re.search(rf"(?<![\w.]){re.escape(item.id)}(?![\w.])", without_vocabulary)
    ]
    assert len(unread) <= 0.15 * len(book.vocabulary.items), unread


# ---- sources ---------------------------------------------------------------------------------------------------------


def _cited(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, inner in data.items():
            if key == "sources" and isinstance(inner, list):
                yield from inner
            else:
                yield from _cited(inner)
    elif isinstance(data, list):
        for inner in data:
            yield from _cited(inner)


def test_every_source_is_cited_or_listed_as_background(book: Rulebook, files: dict[str, Any]) -> None:
    cited = set(_cited(files)) | {key for fixture in fixtures().values() for key in fixture.data["sources"]}
    assert sorted(set(book.sources) - cited - BACKGROUND) == []
    assert sorted(BACKGROUND - set(book.sources)) == []


def test_every_rule_score_and_setting_names_a_known_source(book: Rulebook, files: dict[str, Any]) -> None:
    assert sorted(set(_cited(files)) - set(book.sources)) == []
    assert [rule.id for rule in book.rules.values() if not rule.evidence.sources] == []


def test_every_source_says_where_it_is_what_it_supports_and_how_far_it_was_read(book: Rulebook) -> None:
    for source in book.sources.values():
        assert all((source.citation, source.where, source.supports)), source.key
        assert source.seen in {"abstract", "opening", "secondary", "code", "unchecked", "full"}, source.key


def _evidence(data: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict):
        if "verified" in data:
            yield ".".join(map(str, where)), data
        for key, inner in data.items():
            yield from _evidence(inner, (*where, key))
    elif isinstance(data, list):
        for at, inner in enumerate(data):
            yield from _evidence(inner, (*where, at))


def test_what_is_called_verified_rests_on_something_that_can_be_checked(book: Rulebook, files: dict[str, Any]) -> None:
    for where, evidence in _evidence(files):
        if evidence["verified"]:
            checked = {key for key in evidence["sources"] if book.sources[key].seen != "unchecked"}
            assert checked - UNCHECKABLE, where


# ---- texts -----------------------------------------------------------------------------------------------------------


def _texts(data: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], dict[str, str]]]:
    if isinstance(data, dict):
        if {"fr", "en"} & data.keys():
            yield where, data
        else:
            for key, inner in data.items():
                yield from _texts(inner, (*where, key))
    elif isinstance(data, list):
        for at, inner in enumerate(data):
            yield from _texts(inner, (*where, at))


def test_every_text_is_in_both_languages_and_translated(files: dict[str, Any]) -> None:
    for where, text in _texts(files):
        assert set(text) == {"fr", "en"}, where
        assert text["fr"].strip(), where
        assert text["en"].strip(), where
        if text["fr"].strip().lower() == text["en"].strip().lower():
            # Names of drugs, of scores, of vertebrae are the same word in both.
            assert where[-1] not in SENTENCES, where
            assert len(text["fr"].split()) <= WORDS_ALIKE, where


def test_every_text_reads_well(files: dict[str, Any]) -> None:
    faults = []
    for where, text in _texts(files):
        for language in ("fr", "en"):
            found = list(faults_of_text(text[language], language))
            # «eGFR …», «pH …» keep their own case.
            if where[-1] in SENTENCES and not re.match(r"[a-z]+[A-Z]", text[language]):
                found += faults_of_sentence(text[language])
            faults += [f"{'.'.join(map(str, where))} {language}: {fault}: {text[language]}" for fault in found]
    assert not faults, "\n".join(faults)


def test_no_label_ends_with_a_full_stop(files: dict[str, Any]) -> None:
    labels = [(where, text) for where, text in _texts(files) if where[-1] == "label"]
    assert [where for where, text in labels if text["fr"].endswith(".") or text["en"].endswith(".")] == []


def test_labels_tell_one_item_from_another(book: Rulebook) -> None:
    for language in ("fr", "en"):
        for scope in ("patient", "lesion"):
            labels = [item.label.in_(language).lower() for item in book.vocabulary.of(scope).values()]
            assert sorted({label for label in labels if labels.count(label) > 1}) == []
        for item in book.vocabulary:
            words = [label.in_(language).lower() for label in item.choices.values()]
            assert len(set(words)) == len(words), item.id


# ---- principles ------------------------------------------------------------------------------------------------------


def test_age_alone_excludes_no_adult(book: Rulebook) -> None:
    """With nothing known but an adult's age, no absolute contraindication holds. Pregnancy alone may ask for it besides."""
    meaning = Meaning(book.vocabulary, book.scores)
    for rule in book.rules.values():
        if not rule.absolute:
            continue
        items = {item for leaf in leaves(rule.when) for item in items_of(leaf)}
        if "patient.age" not in items:
            continue
        assert "patient.pregnant" in items, f"{rule.id} speaks of age"
        holds = meaning.condition(rule.when)
        for age in range(18, 111):
            assert holds(Situation({"patient.age": float(age)}, [])) != YES, f"{rule.id} at {age}"
            assert holds(Situation({"patient.age": float(age), "patient.pregnant": False}, [])) != YES, rule.id


def test_what_decides_whether_an_act_is_possible_is_never_left_to_the_checklist(book: Rulebook) -> None:
    never = ("blood.platelets", "blood.inr", "medications", "neuro.", "last_dose.", "lesion.epidural_grade", "imaging.")
    assert [item for item in book.checklist if item.startswith(never)] == []


def test_every_correctable_contraindication_says_what_to_do_and_how_long_it_takes(book: Rulebook) -> None:
    for rule in book.rules.values():
        if rule.correction is not None:
            assert rule.claim == "contraindicates", rule.id
            assert 0 <= rule.correction.lead_time <= 24 * 365, rule.id
            assert rule.correction.recheck is None or rule.correction.recheck in book.vocabulary


def test_every_alert_says_what_to_do_instead_and_how_fast(book: Rulebook) -> None:
    for rule in book.rules.values():
        if rule.claim == "preempts":
            assert rule.id.startswith("alert."), rule.id
            assert rule.within is not None, rule.id
            assert 0 < rule.within <= 14 * 24, rule.id
            assert rule.action is not None
            assert rule.label is not None


def test_a_rule_is_named_after_its_technique_or_its_topic(book: Rulebook) -> None:
    for rule in book.rules.values():
        if rule.file.startswith("techniques/"):
            assert rule.id.split(".")[0] == Path(rule.file).stem, rule.id


def test_a_file_is_named_after_what_it_declares(files: dict[str, Any]) -> None:
    for name, data in files.items():
        folder, _, file = name.rpartition("/")
        key = {"techniques": "technique", "scores": "score"}.get(folder, folder)
        if key in data:
            assert data[key] == file.removesuffix(".yaml"), name


def test_what_stands_against_a_part_stands_against_the_combined_act(book: Rulebook) -> None:
    against = ("alerts", "excluding", "deferring", "cautions")

    def rules(arguments: Arguments) -> set[str]:
        return {book.bound[place].rule.id for kind in against for place in getattr(arguments, kind)}

    combined = [technique for technique in book.techniques.values() if technique.parts]
    assert combined
    for technique in combined:
        for part in technique.parts:
            missing = rules(book.dossiers[part].own) - rules(book.dossiers[technique.id].own)
            assert missing <= set(technique.sets_aside), technique.id
            assert book.techniques[part].traits <= technique.traits


def test_an_option_never_lacks_a_mode_that_its_act_needs(book: Rulebook) -> None:
    """Every percutaneous act has an anaesthesia and a guidance to choose from."""
    for technique in book.techniques.values():
        if "percutaneous" in technique.traits:
            for kind in BINDING:
                assert technique.modes[kind] or (kind == "anaesthesia" and "no_anaesthesia" in technique.traits), (
                    technique.id
                )


# ---- the digest ------------------------------------------------------------------------------------------------------


def test_the_digest_depends_on_what_the_files_say_and_on_nothing_else(book: Rulebook, tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere"
    shutil.copytree(RULES, copied)
    traits = (copied / "traits.yaml").read_text("utf-8").splitlines()
    rows = [row for row in traits if row and not row.startswith("#")]
    (copied / "traits.yaml").write_text("# said otherwise\n\n" + "\n".join(reversed(rows)) + "\n", encoding="utf-8")
    again = load_rulebook(copied)
    assert again.digest == book.digest
    assert replace(again, content="").info == book.info
    session = (copied / "session.yaml").read_text("utf-8")
    (copied / "session.yaml").write_text(session.replace("value: 3", "value: 4", 1), encoding="utf-8")
    assert load_rulebook(copied).digest != book.digest
