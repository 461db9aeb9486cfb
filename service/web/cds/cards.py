"""From an answer to cards. Nothing is decided here, and nothing is read but what is handed over.

One `info` card for the whole referral, with the options as a table; one `warning` card when there are alerts. No card is
ever `critical`: that a clinician must stop is for the clinician to say.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from service.language.vocabulary import Text
from service.tell.answer import Answer
from service.web.cds import override
from service.web.cds.markdown import bullets, escaped, plain, table

Card: TypeAlias = dict[str, Any]

#: CDS Hooks: «under 140»
LONGEST_SUMMARY = 139
LONGEST_WHY = 240
MOST_ROWS = 8
MOST_LESIONS = 6
MOST_NAMED = 10
MOST_SUGGESTIONS = 3
#: statuses of an act that may be booked now
BOOKABLE = ("eligible", "provisional", "cautioned")
#: statuses on which the signature of an order should wait
HELD = ("undetermined", "deferred", "excluded", "preempted")
#: of these, the ones that something known stands behind
AGAINST = ("excluded", "preempted")
_MODES = ("anaesthesia", "guidance", "stay")
_NAMESPACE = uuid.UUID("5f0c3a52-6a1d-5d0e-9b5e-3f6f0a6d2c11")


@dataclass(frozen=True, slots=True)
class Material:
    """All that cards are made of."""

    answer: Answer
    #: as it was decided: its dates are told
    referral: Mapping[str, Any]
    #: (lesion or "", item) -> resources, comma-joined
    origins: Mapping[tuple[str, str], str]
    #: what could not be used: each has `resource`, `code` and `text`
    unused: Sequence[Any]
    language: str
    #: random, of this answer alone: the cards' names are made of it. Feedback names a card in the record for ever, so a name
    #: must not be one that can be computed from a referral
    seed: str
    #: reference of the patient, for drafts that are suggested
    subject: str
    #: references of why it is ordered, for the same
    reasons: Sequence[str] = ()
    #: address of this service
    source: str = ""
    #: address of the form, already filled
    form: str = ""
    #: when the hook is about acts that were ordered by name: those acts
    ordered: frozenset[str] | None = None

    def said(self, fr: str, en: str) -> str:
        return Text(fr, en).in_(self.language)

    def uuid(self, *what: str) -> str:
        """The same material gives the same names."""
        return str(uuid.uuid5(_NAMESPACE, "|".join((self.seed, *what))))


def cards(material: Material) -> list[Card]:
    """The warning first, then the options."""
    found = [_warning(material)] if material.answer["alerts"] else []
    if material.ordered is None:
        return [*found, _options(material)]
    held = held_acts(material.answer, material.ordered)
    return [*found, _signing(material, held)] if held else found


def held_acts(answer: Answer, ordered: frozenset[str]) -> list[tuple[str, Answer]]:
    """(lesion, option) of each ordered act that should wait in one lesion. An order need not say of which lesion it
    speaks: that another one would allow the act is told beside it, and silences nothing."""
    return [
        (lesion["id"], option)
        for lesion in answer["lesions"]
        for option in lesion["options"]
        if option["technique"] in ordered and option["status"] in HELD
    ]


# ---- the cards -------------------------------------------------------------------------------------------------------


def _card(
    material: Material, name: str, indicator: str, summary: str, detail: Iterable[str], suggestions: Sequence[Card] = ()
) -> Card:
    rulebook = material.answer["rulebook"]
    label = f"Indication · {rulebook['name']} {rulebook['version']} ({rulebook['status']})"
    card: Card = {
        "uuid": material.uuid(name),
        "summary": plain(summary, LONGEST_SUMMARY),
        "detail": "\n\n".join(part for part in detail if part),
        "indicator": indicator,
        "source": {"label": plain(label), **({"url": material.source} if material.source else {})},
        "overrideReasons": override.reasons(material.language),
    }
    if suggestions:
        card |= {"suggestions": list(suggestions), "selectionBehavior": "at-most-one"}
    if material.form:
        label = material.said("Ouvrir le formulaire prérempli", "Open the form, already filled in")
        card["links"] = [{"label": label, "url": material.form, "type": "absolute"}]
    return card


def _warning(material: Material) -> Card:
    alerts = material.answer["alerts"]
    first = alerts[0]["label"] or alerts[0]["because"]
    more = f" (+{len(alerts) - 1})" if len(alerts) > 1 else ""
    return _card(
        material,
        "warning",
        "warning",
        plain(material.said("Alerte : ", "Alert: ") + first, LONGEST_SUMMARY - len(more)) + more,
        [bullets([_alert(material, alert) for alert in alerts]), *_basis(material)],
    )


def _alert(material: Material, alert: Answer) -> str:
    title = f"**{escaped(alert['label'] or alert['rule'])}**"
    lesions = ", ".join(map(escaped, alert.get("lesions", ())))
    within = alert["within"] and material.said(f"dans les {alert['within']}", f"within {alert['within']}")
    beside = "; ".join(filter(None, (lesions, escaped(within))))
    sources = ", ".join(map(escaped, alert["sources"]))
    return " ".join(
        filter(
            None,
            (
                f"{title} ({beside})." if beside else f"{title}.",
                escaped(alert["because"]),
                escaped(alert["action"]),
                f"({sources})" if sources else "",
            ),
        )
    )


def _options(material: Material) -> Card:
    lesions = _in_order(material.answer)
    detail: list[str] = []
    for lesion in lesions[:MOST_LESIONS]:
        detail += [f"### {_lesion_title(material, lesion['id'])}", _table(material, lesion), _others(material, lesion)]
    if len(lesions) > MOST_LESIONS:
        left = ", ".join(escaped(lesion["id"]) for lesion in lesions[MOST_LESIONS:])
        detail.append(
            material.said(f"Autres lésions, non détaillées ici : {left}.", f"Other lesions, not detailed here: {left}.")
        )
    detail += [_questions(material), *_basis(material)]
    return _card(material, "info", "info", _summary(material), detail, _suggestions(material, lesions))


def _signing(material: Material, held: Sequence[tuple[str, Answer]]) -> Card:
    against = any(option["status"] in AGAINST for _, option in held)
    rows = [[_lesion_title(material, lesion), *_row(option)] for lesion, option in held[: MOST_ROWS * 2]]
    summary = (
        material.said(
            "Acte demandé contre-indiqué ou suspendu par une alerte : voir le détail avant de signer",
            "The act ordered is contraindicated or preempted by an alert: see the detail before signing",
        )
        if against
        else material.said(
            "Acte demandé à différer ou à préciser : voir le détail avant de signer",
            "The act ordered is to be deferred or settled: see the detail before signing",
        )
    )
    head = [material.said("Lésion", "Lesion"), *_head(material)]
    detail = [table(head, rows), _questions(material), *_basis(material)]
    return _card(material, "signing", "warning" if against else "info", summary, detail)


def _in_order(answer: Answer) -> list[Answer]:
    """The lesion to be treated first comes first."""
    place = {lesion: at for at, lesion in enumerate(answer["session"]["order"])}
    return sorted(answer["lesions"], key=lambda lesion: place.get(lesion["id"], len(place)))


def _lesion_title(material: Material, lesion: str) -> str:
    return f"{material.said('Lésion', 'Lesion')} {escaped(lesion)}"


def _summary(material: Material) -> str:
    """How many options stand where. No value of the patient: a summary is shown in lists that others see."""
    statuses = [option["status"] for lesion in material.answer["lesions"] for option in lesion["options"]]
    counts = (
        (BOOKABLE, "possibles", "possible"),
        (("deferred",), "à différer", "to be deferred"),
        (("undetermined",), "à préciser", "to be settled"),
        (AGAINST, "écartées", "ruled out"),
    )
    told = [
        f"{number} {material.said(fr, en)}"
        for names, fr, en in counts
        if (number := sum(status in names for status in statuses))
    ] or [material.said("aucune indication retenue", "no indication holds")]
    if missing := len(material.answer["questions"]):
        told.append(material.said(f"données manquantes : {missing}", f"{missing} data missing"))
    lesions = len(material.answer["lesions"])
    several = material.said(f" ({lesions} lésions)", f" ({lesions} lesions)") if lesions > 1 else ""
    title = material.said("Métastase osseuse, options", "Bone metastasis, options")
    return f"{title}{several}{material.said(' : ', ': ')}{', '.join(told)}"


# ---- the detail ------------------------------------------------------------------------------------------------------


def _head(material: Material) -> list[str]:
    if material.language == "en":
        return ["Technique", "Status", "Anaesthesia", "Earliest", "Why"]
    return ["Technique", "Statut", "Anesthésie", "Au plus tôt", "Pourquoi"]


def _row(option: Answer) -> list[str]:
    anaesthesia = option.get("anaesthesia") or [{"label": ""}]
    return [
        escaped(option["label"]),
        escaped(option["status_label"]),
        escaped(anaesthesia[0]["label"]),
        escaped(_moment(option.get("earliest", ""))),
        escaped(option["why"], LONGEST_WHY),
    ]


def _table(material: Material, lesion: Answer) -> str:
    shown = [option for option in lesion["options"] if option["status"] in (*BOOKABLE, *HELD)][:MOST_ROWS]
    if not shown:
        return material.said("Aucune option n’est indiquée.", "No option is indicated.")
    return table(["#", *_head(material)], [[str(option["rank"]), *_row(option)] for option in shown])


def _others(material: Material, lesion: Answer) -> str:
    """What the table had no room for, by status, so that nothing is left out without a word."""
    shown = [option for option in lesion["options"] if option["status"] in (*BOOKABLE, *HELD)][:MOST_ROWS]
    left: dict[str, list[str]] = {}
    for option in lesion["options"]:
        if option not in shown:
            left.setdefault(option["status_label"], []).append(option["label"])
    told = [
        f"{escaped(status)}{material.said(' : ', ': ')}{escaped(', '.join(names))}" for status, names in left.items()
    ]
    return bullets(told)


def _questions(material: Material) -> str:
    """What is missing, the most telling first."""
    questions = material.answer["questions"]
    if not questions:
        return ""
    one = len(material.answer["lesions"]) == 1
    told = [
        escaped(question["label"]) + (f" ({escaped(question['lesion'])})" if question.get("lesion") and not one else "")
        for question in questions[:MOST_NAMED]
    ]
    more = len(questions) - len(told)
    if more:
        told.append(material.said(f"et {more} autres", f"and {more} more"))
    title = material.said("Données manquantes, la plus utile d’abord", "Missing data, the most useful first")
    return f"**{title}**\n\n{bullets(told)}"


def _unused(material: Material) -> str:
    """What came and could not be used, and why: it counts as unknown."""
    told = [
        f"{escaped(each.resource)}{material.said(' : ', ': ')}{escaped(each.text.in_(material.language))}"
        for each in material.unused[:MOST_NAMED]
    ]
    more = len(material.unused) - len(told)
    if more:
        told.append(material.said(f"et {more} autres", f"and {more} more"))
    if not told:
        return ""
    title = material.said("Reçu mais non utilisé (compte comme inconnu)", "Received but not used (counts as unknown)")
    return f"**{title}**\n\n{bullets(told)}"


def _basis(material: Material) -> list[str]:
    """What the card rests on: it must be seen when it has grown old, and found again."""
    answer, rulebook = material.answer, material.answer["rulebook"]
    computed = f"{material.said('Calculé le', 'Computed at')} {escaped(_moment(answer['evaluated_at']))}"
    dates = sorted(_dates(material.referral))
    if len(dates) == 1:
        data = material.said(f"données du {dates[0]}", f"data of {dates[0]}")
    elif dates:
        data = material.said(f"données du {dates[0]} au {dates[-1]}", f"data from {dates[0]} to {dates[-1]}")
    else:
        data = material.said("aucune donnée datée", "no dated data")
    sources = {source for origin in material.origins.values() for source in origin.split(",")}
    count = material.said(f"ressources utilisées : {len(sources)}", f"resources used: {len(sources)}")
    rules = f"{escaped(rulebook['name'])} {escaped(rulebook['version'])} ({escaped(rulebook['status'])})"
    digest = f"sha256 {rulebook['digest']}"
    return [_unused(material), f"{computed} · {data} · {count} · {rules} · {digest}", f"_{escaped(answer['notice'])}_"]


def _dates(referral: Mapping[str, Any]) -> set[str]:
    parts = [referral.get("patient"), *(referral.get("lesions") or ())]
    return {
        given["date"][:10]
        for part in parts
        if isinstance(part, Mapping)
        for given in part.values()
        if isinstance(given, Mapping) and isinstance(given.get("date"), str)
    }


def _moment(text: str) -> str:
    """An ISO moment without its seconds."""
    return f"{text[:10]} {text[11:16]}{text[19:]}".strip() if "T" in text else text


# ---- what may be accepted --------------------------------------------------------------------------------------------


def _suggestions(material: Material, lesions: Sequence[Answer]) -> list[Card]:
    """A draft for each of the first options that may be booked: all of one lesion, or the first of each."""
    each = MOST_SUGGESTIONS if len(lesions) == 1 else 1
    chosen = [
        (lesion, option)
        for lesion in lesions[:MOST_LESIONS]
        for option in [option for option in lesion["options"] if _bookable(option)][:each]
    ]
    several = len(lesions) > 1
    found = []
    for at, (lesion, option) in enumerate(chosen):
        place = f" ({plain(lesion['id'])})" if several else ""
        label = plain(material.said("Demander : ", "Order: ") + option["label"] + place)
        suggestion: Card = {
            "label": label,
            "uuid": material.uuid("suggestion", lesion["id"], option["technique"]),
            "actions": [
                {
                    "type": "create",
                    "description": plain(
                        material.said("Crée une demande en brouillon : ", "Creates a draft request: ") + option["label"]
                    ),
                    "resource": _request(material, lesion["id"], option),
                }
            ],
        }
        # The best of the lesion to be treated first, and only if nothing that is open could come before it.
        if at == 0 and option["rank"] == 1:
            suggestion["isRecommended"] = True
        found.append(suggestion)
    return found


def _bookable(option: Answer) -> bool:
    """Whether there is anything to book: what takes no place, no guidance and no anaesthesia is not an act to order."""
    return option["status"] in BOOKABLE and any(option.get(kind) for kind in _MODES)


def _request(material: Material, lesion: str, option: Answer) -> Card:
    rulebook = material.answer["rulebook"]
    notes = [
        f"{material.said('Lésion', 'Lesion')} {lesion}",
        option["plan"],
        option["status_label"],
        *(entry["precaution"] for entry in option["precautions"]),
        f"Indication {rulebook['name']} {rulebook['version']} ({rulebook['status']}) {rulebook['digest'][:12]}",
    ]
    request: Card = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": {"text": plain(option["label"])},
        "subject": {"reference": material.subject},
        "note": [{"text": plain(note)} for note in notes if note],
    }
    known = [
        source
        for (owner, _), origin in sorted(material.origins.items())
        if owner == lesion
        for source in origin.split(",")
        # «Condition/#3» is our own name for a resource without an id: nobody could follow it.
        if source.startswith("Condition/") and "#" not in source
    ]
    # The reasons of the referral are those of this lesion only when there is no other.
    reasons = material.reasons if len(material.answer["lesions"]) == 1 else []
    if references := list(dict.fromkeys([*reasons, *known])):
        request["reasonReference"] = [{"reference": reference} for reference in references]
    return request
