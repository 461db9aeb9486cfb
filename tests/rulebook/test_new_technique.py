"""Adding a technique is one new rule file and its fixture, nothing else."""

from pathlib import Path

import pytest

from service.decision import Decider
from service.rulebook.load import load_rulebook
from service.tell.terminal import render
from service.workbench.comparing import Difference, differences
from tests.fixtures.reading import Fixture, fixtures, read_yaml
from tests.rulebook.spoiling import Copy

#: a technique that nobody performs
FILE = """
technique: sound_bath
label: {fr: Bain sonore, en: Sound bath}
summary:
  fr: "Technique imaginaire qui sert d’exemple."
  en: "Imaginary technique that serves as an example."
traits: [percutaneous, needle, cement, spine, high_bleeding_risk]
duration: 30 min
position: prone
burden: 1
anaesthesia: [local, neuroleptanalgesia]
guidance: [fluoroscopy]
stay: [ambulatory, one_night]
indications:
  - id: sound_bath.painful-vertebra
    strength: strong
    when:
      all:
        - lesion.site is vertebra
        - pain.nrs >= 4
    because:
      fr: "Une vertèbre douloureuse se plaît au bain sonore."
      en: "A painful vertebra enjoys a sound bath."
    evidence: {certainty: high, sources: [PROPOSAL], verified: false}
favours:
  - id: sound_bath.very-painful
    when: pain.nrs >= 6
    because: {fr: "Plus la douleur est forte, plus il convient.", en: "The worse the pain, the better it suits."}
    evidence: {certainty: high, sources: [PROPOSAL], verified: false}
  - id: sound_bath.lytic
    when: lesion.matrix is lytic
    because: {fr: "Une lésion lytique résonne.", en: "A lytic lesion resonates."}
    evidence: {certainty: high, sources: [PROPOSAL], verified: false}
  - id: sound_bath.lumbar
    when: lesion.level in [L1, L2, L3, L4, L5]
    because: {fr: "Le rachis lombaire résonne mieux.", en: "The lumbar spine resonates best."}
    evidence: {certainty: high, sources: [PROPOSAL], verified: false}
contraindications:
  - id: sound_bath.tumour-in-the-canal
    severity: absolute
    when: lesion.retropulsion
    because: {fr: "Le canal est rétréci.", en: "The canal is narrowed."}
    evidence: {certainty: consensus, sources: [PROPOSAL], verified: false}
benefit:
  - {measure: responders, low: 50, high: 60, unit: "%", by: 2 d, certainty: low, sources: [PROPOSAL], verified: false}
"""

EXPECT = """
alerts: []
lesions:
  L2:
    first: sound_bath
    anaesthesia: local
    stay: ambulatory
    statuses: {sound_bath: eligible, vertebroplasty: eligible}
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Decider:
    copy = Copy(tmp_path_factory.mktemp("rules"))
    copy.write("techniques/sound_bath.yaml", FILE)
    return Decider(load_rulebook(copy.folder))


def decided(extended: Decider, referral: Fixture) -> list[Difference]:
    answer = extended.decide_json(referral.body, referral.at, "en")
    return list(differences(answer, referral.expect))


def test_a_new_technique_is_ranked_by_its_file_alone(extended: Decider, tmp_path: Path) -> None:
    (tmp_path / "expect.yaml").write_text(EXPECT, encoding="utf-8")
    existing = fixtures()["vertebroplasty-complete-referral"]
    lesion = existing.data["referral"]["lesions"][0]["id"]
    expect = read_yaml(tmp_path / "expect.yaml")
    expect["lesions"] = {lesion: expect["lesions"]["L2"]}
    assert decided(extended, Fixture("sound-bath", {**existing.data, "expect": expect})) == []


def test_what_is_said_of_its_traits_holds_for_it_at_once(extended: Decider) -> None:
    """Platelets and acrylic cement are written about once, on traits: the new technique obeys without a word."""
    for name, status in (("platelets-32", "deferred"), ("pmma-allergy-vertebra", "excluded")):
        existing = fixtures()[name]
        answer = extended.decide_json(existing.body, existing.at, "en")
        statuses = {
            option["status"] for option in answer["lesions"][0]["options"] if option["technique"] == "sound_bath"
        }
        assert statuses == {status}


def test_it_is_told_in_both_languages(extended: Decider) -> None:
    existing = fixtures()["vertebroplasty-complete-referral"]
    for language, label in (("fr", "Bain sonore"), ("en", "Sound bath")):
        answer = extended.decide_json(existing.body, existing.at, language, "full")
        text = render(answer, language)
        assert label in text
        assert "None" not in text
