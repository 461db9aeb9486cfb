"""A small rulebook of which every part can be changed: it loads in some milliseconds, so that each test changes one."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from service.language.kleene import Verdict
from service.language.meaning import Meaning, situations
from service.prove.prover import Prover
from service.referral.case import CaseMaker
from service.referral.schema import ReferralReader
from service.rulebook.load import load_files
from service.rulebook.model import Rulebook
from service.workbench.diff import Change, Diff, compare

Edit = tuple[str, str, str]

FILES: dict[str, str] = {
    "rulebook.yaml": """
name: mini
version: 1.0.0
effective: "2026-11-23"
status: draft
approved_by: []
timezone: Europe/Paris
label: {fr: Essai, en: Trial}
notice: {fr: Essai, en: Trial}
""",
    "sources.yaml": """
BOOK: {citation: A book}
PAPER: {citation: A paper}
""",
    "traits.yaml": """
bleeding: {fr: geste qui saigne, en: act that bleeds}
cement: {fr: ciment, en: cement}
""",
    "site.yaml": """
inr_limit:
  value: 1.5
  label: {fr: INR maximal, en: Highest INR}
  evidence: {certainty: consensus, sources: [BOOK], verified: true}
""",
    "checklist.yaml": "items: [allergies]\n",
    "referral_form.yaml": "first: [lesion.site, pain.nrs]\n",
    "impossible.yaml": """
impossible:
  - id: impossible.no-pain
    when: {all: [pain.nrs == 0, pain.night]}
    because: {fr: Sans douleur il n’y a pas de douleur nocturne., en: No pain at night without pain.}
""",
    "invariants.yaml": """
invariants:
  - id: cement.allergy
    options: {trait: cement}
    never: [eligible, provisional]
    when: allergies includes resin
    because: {fr: Pas de ciment., en: No cement.}
""",
    "changelog.yaml": "releases: []\n",
    "ranking.yaml": """
standing:
  - id: open
    label: {fr: maintenant, en: now}
    statuses: [eligible, provisional, cautioned, undetermined]
    deferred_within: 7 d
  - {id: later, label: {fr: plus tard, en: later}, statuses: [deferred]}
  - {id: closed, label: {fr: écarté, en: out}, statuses: [not_indicated, excluded, preempted]}
keys:
  - {key: indication, label: {fr: indication, en: indication}}
  - {key: strength, label: {fr: force, en: strength}}
  - {key: status, label: {fr: statut, en: status}}
  - {key: burden, label: {fr: lourdeur, en: burden}}
mode_keys: [status, favours, preference]
""",
    "session.yaml": """
max_sites:
  value: 3
  because: {fr: Trois., en: Three.}
  evidence: {certainty: low, sources: [BOOK], verified: false}
order:
  - {item: pain.nrs, highest: true, label: {fr: douleur, en: pain}}
anaesthesia_order: [light, deep]
""",
    "vocabulary/patient.yaml": """
section: patient
label: {fr: Patient, en: Patient}
scope: patient
items:
  blood.platelets:
    type: number
    label: {fr: Plaquettes, en: Platelets}
    unit: G/L
    units: {G/L: 1, /uL: 0.001}
    range: [1, 2000]
    step: 1
    fresh_for: 7 d
  blood.inr: {type: number, label: {fr: INR, en: INR}, range: [0.5, 20], step: 0.1}
  allergies:
    type: set
    label: {fr: Allergies, en: Allergies}
    choices:
      resin: {label: {fr: résine, en: resin}}
      latex: {label: {fr: latex, en: latex}}
  last_dose: {type: moment, label: {fr: Dernière prise, en: Last intake}}
""",
    "vocabulary/lesion.yaml": """
section: lesion
label: {fr: Lésion, en: Lesion}
scope: lesion
items:
  lesion.site:
    type: choice
    label: {fr: Siège, en: Site}
    choices:
      rib: {label: {fr: côte, en: rib}}
      hip: {label: {fr: hanche, en: hip}}
      spine: {label: {fr: rachis, en: spine}}
  pain.nrs: {type: number, label: {fr: Douleur, en: Pain}, range: [0, 10], step: 1}
  pain.night: {type: flag, label: {fr: Douleur nocturne, en: Pain at night}}
  pain.mechanical: {type: flag, label: {fr: Douleur mécanique, en: Mechanical pain}}
""",
    "scores/frailty.yaml": """
score: frailty
label: {fr: Score de fragilité, en: Frailty score}
scope: lesion
unit: points
evidence: {certainty: low, sources: [BOOK], verified: true}
components:
  - id: pain
    label: {fr: Douleur, en: Pain}
    rows:
      - {points: 3, when: pain.mechanical}
      - {points: 1, when: pain.night}
    otherwise: 0
  - id: site
    label: {fr: Siège, en: Site}
    rows:
      - {points: 2, when: lesion.site is spine}
    otherwise: 0
""",
    "anaesthesia/light.yaml": """
anaesthesia: light
label: {fr: Légère, en: Light}
summary: {fr: Légère., en: Light.}
""",
    "anaesthesia/deep.yaml": """
anaesthesia: deep
label: {fr: Profonde, en: Deep}
summary: {fr: Profonde., en: Deep.}
""",
    "guidance/scan.yaml": """
guidance: scan
label: {fr: Scanner, en: Scan}
summary: {fr: Scanner., en: Scan.}
""",
    "stay/day.yaml": """
stay: day
label: {fr: Jour, en: Day}
summary: {fr: Jour., en: Day.}
""",
    "techniques/glue.yaml": """
technique: glue
label: {fr: Collage, en: Glueing}
summary: {fr: Colle l’os., en: Glues the bone.}
traits: [bleeding, cement]
duration: 45 min
position: prone
burden: 2
anaesthesia: [light, deep]
guidance: [scan]
stay: [day]
indications:
  - id: glue.painful
    strength: strong
    when:
      all:
        - pain.nrs >= 4
        - lesion.site in [rib, hip]
        - any:
            - pain.mechanical
            - pain.night
    because: {fr: La colle soulage., en: Glue relieves.}
    evidence: {certainty: moderate, sources: [BOOK], verified: true}
contraindications:
  - id: glue.frail
    severity: relative
    when: score.frailty >= 5
    precaution: {fr: Prudence., en: Beware.}
    because: {fr: Fragile., en: Frail.}
    evidence: {certainty: low, sources: [BOOK], verified: true}
  - id: glue.rib
    severity: absolute
    when: {all: [lesion.site is rib, pain.night]}
    because: {fr: Pas la nuit., en: Not at night.}
    evidence: {certainty: low, sources: [BOOK], verified: true}
""",
    "techniques/rays.yaml": """
technique: rays
label: {fr: Rayons, en: Rays}
summary: {fr: Rayons., en: Rays.}
traits: []
duration: 15 min
position: any
burden: 1
anaesthesia: []
guidance: []
stay: [day]
indications:
  - id: rays.painful
    strength: weak
    when: pain.nrs >= 2
    because: {fr: Les rayons soulagent., en: Rays relieve.}
    evidence: {certainty: high, sources: [BOOK], verified: true}
""",
    "safety/blood.yaml": """
topic: blood
label: {fr: Sang, en: Blood}
rules:
  - id: blood.platelets-low
    contraindicates: {trait: bleeding}
    severity: absolute
    when: blood.platelets < 50 G/L
    correctable:
      by: {fr: Transfuser., en: Transfuse.}
      lead_time: 1 d
      recheck: blood.platelets
    because: {fr: Au moins 50., en: At least 50.}
    evidence: {certainty: consensus, sources: [BOOK], verified: true}
  - id: blood.inr-high
    contraindicates: {trait: bleeding}
    severity: absolute
    when: blood.inr > site.inr_limit
    because: {fr: INR élevé., en: High INR.}
    evidence: {certainty: consensus, sources: [BOOK], verified: true}
  - id: blood.recent-dose
    contraindicates: {trait: bleeding}
    severity: absolute
    when: days_since(last_dose) < 3
    correctable:
      by: {fr: Attendre., en: Wait.}
      lead_time: 3 d
      earliest: days_after(last_dose, 3)
    because: {fr: Trop tôt., en: Too early.}
    evidence: {certainty: consensus, sources: [BOOK], verified: true}
  - id: blood.allergy
    contraindicates: {trait: cement}
    severity: absolute
    when: allergies includes resin
    because: {fr: Allergie., en: Allergy.}
    evidence: {certainty: consensus, sources: [BOOK], verified: true}
  - id: blood.long-act
    contraindicates: {trait: bleeding}
    severity: relative
    when: {all: [technique.duration > 60 min, blood.platelets < 100 G/L]}
    precaution: {fr: Prudence., en: Beware.}
    because: {fr: Acte long., en: Long act.}
    evidence: {certainty: consensus, sources: [BOOK], verified: true}
""",
    "alerts/pain.yaml": """
topic: pain
label: {fr: Douleur, en: Pain}
rules:
  - id: alert.extreme-pain
    preempts: {technique: glue}
    when: {all: [pain.nrs >= 10, pain.night]}
    label: {fr: Douleur extrême, en: Extreme pain}
    action: {fr: Appeler., en: Call.}
    within: 24 h
    because: {fr: Urgent., en: Urgent.}
    evidence: {certainty: consensus, sources: [BOOK], verified: true}
""",
}


def files(*edits: Edit) -> dict[str, bytes]:
    """The files with each `(file, before, after)` replaced once; an empty `before` makes or replaces the whole file."""
    texts = dict(FILES)
    for file, before, after in edits:
        if before:
            assert texts[file].count(before) == 1, f"{file}: {before!r} stands {texts[file].count(before)} times"
            texts[file] = texts[file].replace(before, after)
        else:
            texts[file] = after
    return {name: text.lstrip("\n").encode() for name, text in texts.items()}


def book(*edits: Edit) -> Rulebook:
    return load_files(files(*edits))


OLD = book()


def compared(*edits: Edit) -> Diff:
    """The small rulebook against itself with these edits, proved for real."""
    return compare(OLD, book(*edits), Prover, old_files=files(), new_files=files(*edits))


def only(diff: Diff) -> Change:
    """The one change there is."""
    assert len(diff.changes) == 1, [change.what.en for change in diff.changes]
    return diff.changes[0]


def verdict(of: Rulebook, rule: str, referral: dict[str, Any], at: str | None) -> Verdict:
    """What a rule says of the judged lesion of a referral, by the reference meaning alone."""
    assert at is not None
    case = CaseMaker(of).make(ReferralReader(of.vocabulary).read(referral), datetime.fromisoformat(at))
    return Meaning(of.vocabulary, of.scores).condition(of.rules[rule].when)(situations(case)[1][0])


class Silent:
    """A prover that never answers in time."""

    class Proof:
        answer: Literal["undecided"] = "undecided"
        seconds = 0.0
        witness: dict[str, Any] | None = None

    implied: Callable[..., Proof] = staticmethod(lambda a, b: Silent.Proof())
