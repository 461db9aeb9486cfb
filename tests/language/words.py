"""A small vocabulary with one item of every type, for lines written in tests."""

from service.language.parser import ScoreHead, Setting, Words
from service.language.vocabulary import Item, Text, Vocabulary

TEXT = Text("essai", "trial")


def _item(name: str, kind: str, **more: object) -> Item:
    return Item(name, "trial", "lesion" if name.startswith("lesion") else "patient", kind, TEXT, TEXT, **more)


ITEMS = (
    _item("pain.mechanical", "flag"),
    _item("lesion.fracture", "flag"),
    _item("lesion.site", "choice", choices={"vertebra": TEXT, "sacrum": TEXT, "ilium": TEXT}),
    _item("pain.nrs", "number", low=0.0, high=10.0),
    _item(
        "blood.platelets",
        "number",
        low=1.0,
        high=2000.0,
        unit="G/L",
        units={"G/L": 1.0, "10*9/L": 1.0, "/uL": 0.001, "%": 10.0, "mL/min/1.73m2": 2.0, "°C": 1.0, "µmol/L": 1.0},
    ),
    _item("allergies", "set", choices={"pmma": TEXT, "latex": TEXT, "iodine": TEXT}),
    _item("last_dose.apixaban", "moment"),
)

VOCABULARY = Vocabulary({item.id: item for item in ITEMS}, {})

WORDS = Words(
    VOCABULARY,
    {"sins": ScoreHead("lesion", "points"), "bmi": ScoreHead("patient", None)},
    {"platelet_limit": Setting("platelet_limit", 50.0, "G/L"), "waiting": Setting("waiting", 2.0, "d")},
)
