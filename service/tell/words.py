"""Words of the service itself, in French and English. Words of the field stand in the rule files."""

from datetime import date, datetime

from service.language.vocabulary import Text

STATUS = {
    "eligible": Text("éligible", "eligible"),
    "provisional": Text(
        "éligible sous réserve des vérifications d’avant geste", "eligible, subject to the pre-procedure checks"
    ),
    "cautioned": Text("éligible avec précautions", "eligible with precautions"),
    "undetermined": Text("à préciser", "to be settled"),
    "deferred": Text("à différer", "to be deferred"),
    "not_indicated": Text("non indiqué", "not indicated"),
    "excluded": Text("contre-indiqué", "contraindicated"),
    "preempted": Text("suspendu par une alerte", "suspended by an alert"),
}
INDICATION = (Text("établie", "established"), Text("à confirmer", "to be confirmed"), Text("absente", "absent"))
STRENGTH = (Text("forte", "strong"), Text("modérée", "moderate"), Text("faible", "weak"), Text("aucune", "none"))
CERTAINTY = (
    Text("élevée", "high"),
    Text("modérée", "moderate"),
    Text("faible", "low"),
    Text("très faible", "very low"),
    Text("consensus d’experts", "expert consensus"),
    Text("aucune", "none"),
)
VERDICT = {"yes": Text("oui", "yes"), "no": Text("non", "no"), "unknown": Text("inconnu", "unknown")}
MEASURE = {
    "pain_reduction": Text("baisse de la douleur initiale", "fall in initial pain"),
    "responders": Text("patients soulagés", "patients relieved"),
    "complete_relief": Text("soulagement complet", "complete relief"),
    "points": Text("baisse sur l’échelle de 0 à 10", "fall on the 0–10 scale"),
    "fracture_free": Text("patients sans fracture", "patients free of fracture"),
}
KIND = {
    "anaesthesia": Text("anesthésie", "anaesthesia"),
    "guidance": Text("guidage", "guidance"),
    "stay": Text("séjour", "stay"),
}
POSITION = {
    "prone": Text("décubitus ventral", "prone"),
    "supine": Text("décubitus dorsal", "supine"),
    "lateral": Text("décubitus latéral", "lateral"),
    "any": Text("indifférente", "any"),
    "none": Text("aucune", "none"),
}
#: the kinds of argument of a dossier (`Arguments`)
ARGUMENTS = {
    "alerts": Text("alertes", "alerts"),
    "excluding": Text("contre-indications absolues", "absolute contraindications"),
    "deferring": Text("contre-indications à corriger d’abord", "contraindications to be corrected first"),
    "indications": Text("indications", "indications"),
    "cautions": Text("précautions", "precautions"),
    "favours": Text("arguments favorables", "arguments in favour"),
}
#: what a rule claims; of a contraindication (claim, severity, whether it can be corrected)
CLAIM = {
    "indicates": Text("indication", "indication"),
    "favours": Text("argument favorable", "argument in favour"),
    "preempts": Text("alerte", "alert"),
    ("contraindicates", "absolute", False): Text("contre-indication absolue", "absolute contraindication"),
    ("contraindicates", "absolute", True): Text(
        "contre-indication absolue, corrigeable", "absolute contraindication, correctable"
    ),
    ("contraindicates", "relative", False): Text("contre-indication relative", "relative contraindication"),
    ("contraindicates", "relative", True): Text(
        "contre-indication relative, corrigeable", "relative contraindication, correctable"
    ),
}
#: how much of a source was read, as `rules/sources.yaml` says it
SEEN = {
    "abstract": Text("résumé lu", "abstract read"),
    "opening": Text("première page lue", "first page read"),
    "secondary": Text("lu de seconde main", "read at second hand"),
    "code": Text("code public lu", "public code read"),
    "unchecked": Text("non lu", "not read"),
}
STANDING = Text("possibilité d’agir", "possibility of acting")

_UNITS = (
    (8760.0, Text("an", "year"), Text("ans", "years")),
    (720.0, Text("mois", "month"), Text("mois", "months")),
    (168.0, Text("semaine", "week"), Text("semaines", "weeks")),
    (24.0, Text("jour", "day"), Text("jours", "days")),
)


def number(value: float, language: str) -> str:
    """A number as it is written in the language: a decimal comma in French."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if language == "fr" else text


#: units of the vocabulary that a clinician reads otherwise than a machine
_READ = {
    "mL/min/1.73m2": Text("mL/min/1,73 m²", "mL/min/1.73 m²"),
    "mg/d": Text("mg/j", "mg/d"),
    "y": Text("ans", "years"),
    "d": Text("j", "d"),
}


_SIGNS = {"kg/m2": "kg/m²", "deg": "°"}


def unit(name: str | None, language: str) -> str:
    """A unit as it is read: «ans», «kg/m²»; "" for none."""
    if name is None:
        return ""
    return _READ[name].in_(language) if name in _READ else _SIGNS.get(name, name)


def duration(hours: float, language: str) -> str:
    """Hours in the largest unit that divides them: 48 -> «2 jours»."""
    if hours == 24.0:
        return "24 h"
    for size, one, many in _UNITS:
        if hours >= size and hours % size == 0:
            count = hours / size
            return f"{number(count, language)} {(one if count == 1 else many).in_(language)}"
    if hours < 1:
        return f"{number(hours * 60, language)} min"
    return f"{number(round(hours, 1), language)} h"


_MONTHS_FR = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]
_MONTHS_EN = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def day(when: date, language: str) -> str:
    """«26 novembre 2026», with the hour when one is known."""
    months = _MONTHS_EN if language == "en" else _MONTHS_FR
    ordinal = "1er" if language == "fr" and when.day == 1 else str(when.day)
    text = f"{ordinal} {months[when.month - 1]} {when.year}"
    if isinstance(when, datetime):
        text += f" {'at' if language == 'en' else 'à'} {when:%H:%M}"
    return text


def listed(words: list[str], language: str, conjunction: Text | None = None) -> str:
    """«a, b et c»."""
    joint = (conjunction or Text("et", "and")).in_(language)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}" if words else ""


#: people whose name opens a label
_NAMES = ("Bilsky", "Karnofsky", "Mallampati", "Mirels")


def lower_first(text: str) -> str:
    """A label inside a sentence; abbreviations, levels (L2) and names of people keep their capitals."""
    if not text or text[1:2].isupper() or text[1:2].isdigit() or text.startswith(_NAMES):
        return text
    return text[0].lower() + text[1:]


def sentence(text: str) -> str:
    """One sentence: a capital first, a full stop last."""
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "…")) else text + "."


def typeset(text: str) -> str:
    """The text with the spaces of French punctuation made unbreakable, so that no line begins with a colon."""
    for mark in ":;?!%»":
        text = text.replace(f" {mark}", f"\u00a0{mark}")
    return text.replace("« ", "«\u00a0")
