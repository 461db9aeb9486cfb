"""Which sheets a workbook has and which columns a sheet: names, headings in both languages, and what a cell may hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.language.parser import POSITIONS
from service.language.vocabulary import Text
from service.rulebook.model import CERTAINTIES, STRENGTHS
from service.rulebook.schema import MEASURES
from service.workbench.decision_tables.criterion import CONNECTIVES, OPERATORS

#: text; number; number or text; yes or no; words parted by commas; a day; told at export and never read back
CellKind: TypeAlias = Literal["text", "number", "value", "yesno", "words", "day", "gloss"]

#: the layout of the sheets; a workbook of another one is refused
FORMAT = "indication-tables-1"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Its key stands in the third row of the sheet: by it the column is found again, wherever it is moved."""

    key: str
    label: Text
    kind: CellKind = "text"
    #: characters
    width: int = 14
    #: the only words a cell may hold, offered as a list
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    key: str
    name: str
    #: what it holds, for the instructions
    about: Text
    columns: tuple[Column, ...]

    def column(self, key: str) -> Column:
        return next(column for column in self.columns if column.key == key)


def _both(key: str, fr: str, en: str, width: int = 44) -> tuple[Column, Column]:
    return (
        Column(f"{key}.fr", Text(f"{fr} (français)", f"{en} (French)"), width=width),
        Column(f"{key}.en", Text(f"{fr} (anglais)", f"{en} (English)"), width=width),
    )


_TECHNIQUE = Column("technique", Text("technique", "technique"), width=22)
_SOURCES = Column("sources", Text("sources", "sources"), "words", 26)
_CERTAINTY = Column("certainty", Text("certitude", "certainty"), width=12, words=CERTAINTIES)
_VERIFIED = Column("verified", Text("vérifié à la source", "checked at the source"), "yesno", 10)
_BECAUSE = _both("because", "pourquoi", "because", 52)


def _rule_columns(*own: Column) -> tuple[Column, ...]:
    """A rule's columns: what it is, its condition over as many rows as it needs, why, and on what it rests."""
    return (
        _TECHNIQUE,
        Column("id", Text("règle", "rule"), width=40),
        *(column for column in own if column.words),
        Column("level", Text("niveau", "level"), "number", 7),
        Column("connective", Text("lien", "joint"), width=13, words=CONNECTIVES),
        Column("subject", Text("ce qui est regardé", "what is looked at"), width=34),
        Column("operator", Text("comparaison", "comparison"), width=13, words=OPERATORS),
        Column("value", Text("valeur", "value"), "value", 28),
        Column("unit", Text("unité", "unit"), width=10),
        Column("#fr", Text("en clair (non relu)", "in words, French (not read back)"), "gloss", 44),
        Column("#en", Text("en clair, anglais (non relu)", "in words (not read back)"), "gloss", 44),
        *_BECAUSE,
        *(column for column in own if not column.words),
        _CERTAINTY,
        _SOURCES,
        _VERIFIED,
    )


INDICATIONS = Sheet(
    "indications",
    "Indications",
    Text("les règles qui proposent la technique", "the rules that propose the technique"),
    _rule_columns(Column("strength", Text("force", "strength"), width=11, words=STRENGTHS)),
)
FAVOURS = Sheet(
    "favours",
    "Arguments pour - Favours",
    Text("les règles qui la font préférer", "the rules that make it preferable"),
    _rule_columns(),
)
CONTRAINDICATIONS = Sheet(
    "contraindications",
    "Contre-indications",
    Text(
        "les règles qui s’y opposent ; « correctable » : ce qui lève la contre-indication, et quand",
        "the rules against it; “correctable”: what lifts the contraindication, and when",
    ),
    _rule_columns(
        Column("severity", Text("gravité", "severity"), width=11, words=("absolute", "relative")),
        *_both("precaution", "précaution", "precaution", 52),
        *_both("correctable.by", "ce qui corrige", "what corrects it", 44),
        Column("correctable.lead_time", Text("délai", "lead time"), width=9),
        Column("correctable.earliest", Text("au plus tôt", "earliest"), width=24),
        Column("correctable.recheck", Text("à remesurer", "to measure again"), width=24),
    ),
)
TECHNIQUES = Sheet(
    "techniques",
    "Techniques",
    Text(
        "chaque technique : nom, résumé, caractères, durée, modes",
        "each technique: name, summary, traits, duration, modes",
    ),
    (
        _TECHNIQUE,
        *_both("label", "nom", "name", 32),
        *_both("summary", "résumé", "summary", 52),
        Column("traits", Text("caractères", "traits"), "words", 40),
        Column("parts", Text("gestes combinés", "parts"), "words", 26),
        Column("duration", Text("durée", "duration"), width=10),
        Column("position", Text("position", "position"), width=10, words=POSITIONS),
        Column("burden", Text("lourdeur (1 à 5)", "burden (1 to 5)"), "number", 10),
        Column("anaesthesia", Text("anesthésies, la préférée d’abord", "anaesthesia, preferred first"), "words", 30),
        Column("guidance", Text("guidages, le préféré d’abord", "guidance, preferred first"), "words", 30),
        Column("stay", Text("séjours, le plus court d’abord", "stays, shortest first"), "words", 30),
        Column("review_by", Text("à relire avant le", "to be read again by"), "day", 12),
        Column("file", Text("fichier (ne pas changer)", "file (leave as it is)"), width=34),
        Column("digest", Text("empreinte (ne pas changer)", "digest (leave as it is)"), width=20),
    ),
)
BENEFITS = Sheet(
    "benefit",
    "Bénéfices - Benefits",
    Text("le bénéfice mesuré, une ligne par mesure", "the measured benefit, one row for each measure"),
    (
        _TECHNIQUE,
        Column("measure", Text("mesure", "measure"), width=16, words=tuple(MEASURES)),
        Column("low", Text("de", "from"), "number", 8),
        Column("high", Text("à", "to"), "number", 8),
        Column("unit", Text("unité", "unit"), width=9),
        Column("by", Text("obtenu en", "reached within"), width=10),
        Column("lasts", Text("dure", "lasts"), width=10),
        _CERTAINTY,
        _SOURCES,
        _VERIFIED,
        *_both("note", "note", "note", 52),
    ),
)
EXCEPTIONS = Sheet(
    "exceptions",
    "Exceptions",
    Text(
        "ce qui est voulu : une règle qui en contredit une autre (overrides), qui s’y ajoute sans rien changer (tolerates), "
        "ou une règle des gestes combinés qui ne vaut pas pour l’ensemble (sets_aside, sans règle)",
        "what is meant: a rule that contradicts another (overrides), that adds nothing beside another (tolerates), "
        "or a rule about a part that does not hold of the combined act (sets_aside, without a rule)",
    ),
    (
        _TECHNIQUE,
        Column("id", Text("règle", "rule"), width=40),
        Column("kind", Text("sorte", "kind"), width=12, words=("overrides", "tolerates", "sets_aside")),
        Column("rule", Text("autre règle", "other rule"), width=34),
        *_BECAUSE,
    ),
)
#: for reading, and as lists for the cells of the others: never read back
WORDS = Sheet(
    "words",
    "Mots - Words",
    Text(
        "tous les mots utilisables, avec unités et choix (non relu)",
        "every word that may be used, with units and choices (not read back)",
    ),
    (
        Column("word", Text("mot", "word"), width=38),
        Column("label.fr", Text("français", "French"), width=44),
        Column("label.en", Text("anglais", "English"), width=44),
        Column("type", Text("sorte", "type"), width=12),
        Column("unit", Text("unités", "units"), width=22),
        Column("choices", Text("choix possibles", "possible words"), width=90),
    ),
)
README = "Lisez-moi - Read me"

#: the sheets that are read back, in the order of the file
SHEETS: Mapping[str, Sheet] = {
    sheet.key: sheet for sheet in (TECHNIQUES, INDICATIONS, FAVOURS, CONTRAINDICATIONS, EXCEPTIONS, BENEFITS)
}
#: the sheets that hold rules, named as their lists in a technique file
RULE_SHEETS = ("indications", "favours", "contraindications")
#: the keys of a rule's condition: the only cells of its second and later rows, with the rule's own name
CONDITION = ("level", "connective", "subject", "operator", "value", "unit")
