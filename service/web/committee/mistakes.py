"""Mistakes in rule files, in French: the loader words them in English, for the command line and its log.

Each pattern is one of the loader's messages; a test finds every message in the code and asks that it be here.
"""

import re

from service.language.errors import Mistake

_KINDS = {
    "item": "item inconnu",
    "score": "score inconnu",
    "site setting": "réglage de site inconnu",
    "item or score": "item ou score inconnu",
    "technique": "technique inconnue",
    "trait": "trait inconnu",
    "rule": "règle inconnue",
    "source": "source inconnue",
    "anaesthesia": "anesthésie inconnue",
    "guidance": "guidage inconnu",
    "stay": "séjour inconnu",
    "key": "clé inconnue",
    "connective": "connecteur inconnu",
    "part": "partie inconnue",
    "property of a technique": "propriété de technique inconnue",
}
_TYPES = {
    "a mapping (key: value)": "des paires « clé: valeur »",
    "a list": "une liste",
    "a text": "un texte",
    "true or false": "true ou false",
    "a whole number": "un nombre entier",
    "a number": "un nombre",
}
_YAML = {
    "a tab stands here; indent with spaces": "une tabulation ; indenter avec des espaces",
    "mapping values are not allowed in this context": "un deux-points de trop, ou un retrait de travers",
    "could not find expected ':'": "il manque un deux-points",
    "did not find expected key": "une clé était attendue : vérifier le retrait et les guillemets",
    "did not find expected '-' indicator": "un tiret était attendu : vérifier le retrait",
    "did not find expected ',' or ']'": "il manque une virgule ou un crochet fermant",
    "did not find expected ',' or '}'": "il manque une virgule ou une accolade fermante",
    "found unexpected end of stream": "le fichier finit trop tôt : un guillemet ou un crochet n’est pas fermé",
    "found character that cannot start any token": "ce caractère ne peut pas commencer une valeur",
    "did not find expected node content": "une valeur était attendue",
    "block sequence entries are not allowed in this context": "un tiret de liste de trop, ou un retrait de travers",
}
_FORMS = "voir docs/rule-language.md pour les formes d’un critère"
#: the loader's message -> the same in French. A name in the pattern is put into the French.
_FRENCH: tuple[tuple[str, str], ...] = (
    (
        r"an invariant says one of «when», «unless», «alone» \(«alone» may have a «when»\)",
        "un invariant dit l’un de « when », « unless », « alone » (« alone » peut avoir un « when »)",
    ),
    (
        r"listed twice",
        "figure deux fois dans la liste",
    ),
    (
        r"no kind of rule file belongs here; see docs/rule-language\.md",
        "aucun fichier de règles ne va ici ; voir docs/rule-language.md",
    ),
    (
        r"no such directory",
        "ce dossier n’existe pas",
    ),
    (
        r"not a date \(YYYY-MM-DD\)",
        "pas une date (AAAA-MM-JJ)",
    ),
    (
        r"not a time zone",
        "pas un fuseau horaire",
    ),
    (
        r"this anaesthesia is missing from the order",
        "cette anesthésie manque dans l’ordre",
    ),
    (
        r"this file is missing",
        "ce fichier manque",
    ),
    (
        r"this status stands in no tier",
        "ce statut n’est dans aucun rang",
    ),
    (
        r"tiers must keep this order, so that no danger moves an option up: (?P<a>.*)",
        "les rangs gardent cet ordre, pour qu’aucun danger ne fasse monter une option : {a}",
    ),
    (
        r"«count_lesions» needs «where» and «is», as in \{where: …, is: '> 3'\}",
        "« count_lesions » demande « where » et « is », comme {{where: …, is: '> 3'}}",
    ),
    (
        r"a condition is one line, or one of (?P<a>.*)",
        "une condition est une ligne, ou l’un de : {a}",
    ),
    (
        r"a question about lesions cannot stand inside another one",
        "une question sur les lésions ne peut pas en contenir une autre",
    ),
    (
        r"«(?P<a>.*)» needs a list of at least one condition",
        "« {a} » demande une liste d’au moins une condition",
    ),
    (
        r"a number or a site setting \(«site\.…»\) is needed after a comparison",
        "un nombre ou un réglage de site (« site.… ») est attendu après une comparaison",
    ),
    (
        r"a property of the technique needs a comparison, as in «technique\.duration > 45 min»",
        "une propriété de la technique demande une comparaison, comme « technique.duration > 45 min »",
    ),
    (
        r"a time needs a unit \((?P<a>.*)\)",
        "une durée demande une unité ({a})",
    ),
    (
        r"calendar days are a whole number",
        "les jours de calendrier sont un nombre entier",
    ),
    (
        r"calendar days are counted without a unit",
        "les jours de calendrier se comptent sans unité",
    ),
    (
        r"equality of a number is «==», of a word «is»",
        "l’égalité d’un nombre s’écrit « == », celle d’un mot « is »",
    ),
    (
        r"is a (?P<a>.*); a (?P<b>.*) is needed here",
        "est de type {a} ; il faut ici {b}",
    ),
    (
        r"needs a unit after the number, as in «(?P<a>.*)»",
        "demande une unité après le nombre, comme « {a} »",
    ),
    (
        r"not a position",
        "pas une position",
    ),
    (
        r"not a word of (?P<a>.*)",
        "pas un mot de {a}",
    ),
    (
        r"not understood here; .*",
        f"non compris ici ; {_FORMS}",
    ),
    (
        r"the line ends too early; .*",
        f"la ligne finit trop tôt ; {_FORMS}",
    ),
    (
        r"outside the plausible range of (?P<a>.*) \((?P<b>.*) to (?P<c>.*)\)",
        "hors de l’intervalle plausible de {a} (de {b} à {c})",
    ),
    (
        r"score\.(?P<a>.*) is in points, written without a unit",
        "score.{a} est en points, écrits sans unité",
    ),
    (
        r"score\.(?P<a>.*) is in (?P<b>.*)",
        "score.{a} est en {b}",
    ),
    (
        r"unknown unit of time \(known: (?P<a>.*)\)",
        "unité de temps inconnue (connues : {a})",
    ),
    (
        r"a duration is a number and a unit, as in «72 h»",
        "une durée est un nombre et une unité, comme « 72 h »",
    ),
    (
        r"unit not accepted for (?P<a>.*) \(accepted: (?P<b>.*)\)",
        "unité non acceptée pour {a} (acceptées : {b})",
    ),
    (
        r"a technique's own rule is already narrow",
        "une règle d’une technique ne vise déjà qu’elle",
    ),
    (
        r"a rule that (?P<a>.*) has no «(?P<b>.*)»",
        "une règle « {a} » n’a pas de « {b} »",
    ),
    (
        r"a rule that (?P<a>.*) needs «(?P<b>.*)»",
        "une règle « {a} » demande « {b} »",
    ),
    (
        r"a part cannot itself have parts",
        "une partie ne peut pas avoir de parties",
    ),
    (
        r"a relative contraindication needs a «precaution»",
        "une contre-indication relative demande une « precaution »",
    ),
    (
        r"a rule makes exactly one claim of (?P<a>.*)",
        "une règle affirme une chose et une seule, parmi : {a}",
    ),
    (
        r"a rule speaks of one mode at most",
        "une règle vise un mode au plus",
    ),
    (
        r"a stay is not favoured: the shortest that nothing stands against is planned",
        "un séjour ne se favorise pas : le plus court auquel rien ne s’oppose est prévu",
    ),
    (
        r"declared twice",
        "déclaré deux fois",
    ),
    (
        r"the rule speaks of nobody: name a technique, a trait or a mode",
        "la règle ne vise personne : nommer une technique, un trait ou un mode",
    ),
    (
        r"this id is taken \((?P<a>.*)\)",
        "cet identifiant est déjà pris ({a})",
    ),
    (
        r"may divide by zero: the divisor's plausible range contains 0",
        "division par zéro possible : l’intervalle plausible du diviseur contient 0",
    ),
    (
        r"the item's own unit must have the factor 1",
        "l’unité propre de l’item doit avoir le facteur 1",
    ),
    (
        r"a (?P<a>.*) has no «choices»",
        "un item de type {a} n’a pas de « choices »",
    ),
    (
        r"a (?P<a>.*) needs «choices»",
        "un item de type {a} demande « choices »",
    ),
    (
        r"a number needs its plausible «range»",
        "un nombre demande son intervalle plausible « range »",
    ),
    (
        r"a score cannot ask about several lesions",
        "un score ne peut pas interroger plusieurs lésions",
    ),
    (
        r"a score of the patient cannot read an item of a lesion",
        "un score du patient ne peut pas lire un item de lésion",
    ),
    (
        r"accepted spellings need a «unit»",
        "des écritures acceptées demandent une « unit »",
    ),
    (
        r"no item may begin with (?P<a>.*)",
        "aucun item ne peut commencer par {a}",
    ),
    (
        r"only a rule can speak of the technique",
        "seule une règle peut parler de la technique",
    ),
    (
        r"speaks of a lesion, but is asked about the patient",
        "parle d’une lésion, mais porte sur le patient",
    ),
    (
        r"the range is upside down",
        "l’intervalle est à l’envers",
    ),
    (
        r"the score is computed from itself",
        "le score se calcule à partir de lui-même",
    ),
    (
        r"not a form that is accepted here",
        "forme non acceptée ici",
    ),
    (
        r"not of the form expected \((?P<a>.*)\)",
        "pas de la forme attendue ({a})",
    ),
    (
        r"not one of (?P<a>.*)",
        "pas l’un de : {a}",
    ),
    (
        r"«(?P<a>.*)» is missing",
        "« {a} » manque",
    ),
    (
        r"a key must be a text",
        "une clé doit être un texte",
    ),
    (
        r"anchors and aliases are not used in rule files",
        "les ancres et alias ne s’emploient pas dans les fichiers de règles",
    ),
    (
        r"given twice",
        "donné deux fois",
    ),
    (
        r"larger than (?P<a>.*) bytes",
        "plus de {a} octets",
    ),
    (
        r"nested too deep",
        "imbriqué trop profondément",
    ),
    (
        r"not UTF-8 at byte (?P<a>.*)",
        "pas de l’UTF-8 à l’octet {a}",
    ),
    (
        r"tags are not used in rule files",
        "les étiquettes YAML (« ! ») ne s’emploient pas dans les fichiers de règles",
    ),
    (
        r"the file is empty",
        "le fichier est vide",
    ),
)
_PATTERNS = tuple((re.compile(pattern + r"\Z", re.DOTALL), french) for pattern, french in _FRENCH)


def told(mistake: Mistake, language: str) -> str:
    """What is wrong, without its place: the message, the offender, the nearest right word."""
    if language == "en":
        offender = f" «{mistake.offender}»" if mistake.offender else ""
        hint = f"; did you mean «{mistake.suggestion}»?" if mistake.suggestion else ""
        return f"{mistake.message}{offender}{hint}"
    offender = f" « {mistake.offender} »" if mistake.offender else ""
    hint = f" ; vouliez-vous dire « {mistake.suggestion} » ?" if mistake.suggestion else ""
    return f"{in_french(mistake.message) or mistake.message}{offender}{hint}"


def in_french(message: str) -> str | None:
    """A message of the loader in French, or None when it is not known here."""
    unknown, _, kind = message.partition(" ")
    if unknown == "unknown" and kind in _KINDS:
        return _KINDS[kind]
    if message.startswith("not valid YAML: "):
        problem = message.removeprefix("not valid YAML: ")
        return f"YAML illisible : {_YAML.get(problem, problem)}"
    if message.endswith(" is needed") and message.removesuffix(" is needed") in _TYPES:
        return f"il faut {_TYPES[message.removesuffix(' is needed')]}"
    for pattern, french in _PATTERNS:
        if found := pattern.match(message):
            return french.format(**found.groupdict())
    return None
