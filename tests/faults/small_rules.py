"""Rules that load and decide in milliseconds: faults are tried on the record, and a worker that was killed must be back soon."""

from pathlib import Path

from tests.workbench.diff.mini import files

#: what the self-test referral says and the small rulebook does not know: without it no server starts
_PATIENT = """
  patient.age: {type: number, label: {fr: Âge, en: Age}, range: [0, 120], step: 1}
  patient.sex: {type: choice, label: {fr: Sexe, en: Sex}, choices: {female: {label: {fr: F, en: F}}}}
  patient.asa_class: {type: number, label: {fr: ASA, en: ASA}, range: [1, 6], step: 1}
  patient.ecog: {type: number, label: {fr: OMS, en: ECOG}, range: [0, 4], step: 1}
  patient.life_expectancy: {type: number, label: {fr: Vie, en: Life}, unit: mo, units: {mo: 1}, range: [0, 600], step: 1}
  patient.primary_cancer: {type: choice, label: {fr: Cancer, en: Cancer}, choices: {breast: {label: {fr: S, en: B}}}}
  patient.histology_known: {type: flag, label: {fr: Histologie, en: Histology}}
  patient.mdt_decision: {type: flag, label: {fr: RCP, en: MDT}}
  neuro.new_deficit: {type: flag, label: {fr: Déficit, en: Deficit}}
  medications: {type: set, label: {fr: Médicaments, en: Medications}, choices: {denosumab: {label: {fr: d, en: d}}}}
"""
_LESION = """
  lesion.level: {type: choice, label: {fr: Niveau, en: Level}, choices: {L2: {label: {fr: L2, en: L2}}}}
  lesion.matrix: {type: choice, label: {fr: Matrice, en: Matrix}, choices: {lytic: {label: {fr: l, en: l}}}}
  lesion.fracture: {type: flag, label: {fr: Fracture, en: Fracture}}
  lesion.height_loss: {type: number, label: {fr: Perte, en: Loss}, range: [0, 100], step: 1}
  lesion.posterior_wall: {type: choice, label: {fr: Mur, en: Wall}, choices: {intact: {label: {fr: i, en: i}}}}
  imaging.mri: {type: moment, label: {fr: IRM, en: MRI}}
  pain.concordant: {type: flag, label: {fr: Concordante, en: Concordant}}
"""
_HEADER = "section: more_{0}\nlabel: {{fr: Reste, en: Rest}}\nscope: {0}\nitems:"

#: small, and decided by them
REFERRAL = {
    "recorded_at": "2020-01-01",
    "patient": {"blood.platelets": 231},
    "lesions": [{"id": "rib", "lesion.site": "rib", "pain.nrs": 5}],
}


def write(folder: Path) -> Path:
    """The folder, with the rules in it."""
    found = files(
        (
            "vocabulary/lesion.yaml",
            "spine: {label",
            "vertebra: {label: {fr: vertèbre, en: vertebra}}\n      spine: {label",
        ),
        ("vocabulary/more_patient.yaml", "", _HEADER.format("patient") + _PATIENT),
        ("vocabulary/more_lesion.yaml", "", _HEADER.format("lesion") + _LESION),
    )
    for name, content in found.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder
