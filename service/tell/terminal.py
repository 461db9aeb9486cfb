"""An answer as text for a terminal: the alert first, then the shortlist, best first."""

from collections.abc import Callable
from textwrap import fill

from service.language.vocabulary import Text
from service.rulebook.model import CERTAINTIES
from service.tell.answer import OFFERED, Answer
from service.tell.words import CERTAINTY, lower_first, number

_WORDS = {
    "lesion": Text("Lésion", "Lesion"),
    "alert": Text("ALERTE", "ALERT"),
    "within": Text("délai", "within"),
    "questions": Text("Questions, la plus utile d’abord", "Questions, the most useful first"),
    "others": Text("Autres options", "Other options"),
    "precaution": Text("Précaution", "Precaution"),
    "verify": Text("À vérifier avant le geste", "To verify before the act"),
    "benefit": Text("Bénéfice attendu", "Expected benefit"),
    "certainty": Text("certitude", "certainty"),
    "session": Text("Séance", "Session"),
}
_WIDTH = 100
#: options shown in full, and questions shown; `--json` shows all
_SHOWN = 3
_QUESTIONS = 5


def render(answer: Answer, language: str) -> str:
    """The answer in at most a screen or two."""

    def word(name: str) -> str:
        return _WORDS[name].in_(language)

    colon = ": " if language == "en" else " : "
    lines: list[str] = []
    for alert in answer["alerts"]:
        lines += [
            *_wrapped(f"!! {word('alert')}{colon}{alert['label']} ({word('within')} {alert['within']})", "", "   "),
            *_wrapped(alert["action"], "   "),
            "",
        ]
    for lesion in answer["lesions"]:
        lines.append(f"== {word('lesion')} {lesion['id']} ==")
        offered = [option for option in lesion["options"] if option["status"] in OFFERED]
        for option in offered[:_SHOWN]:
            lines += _option(option, word, language)
        lines += _to_verify(offered[:_SHOWN], answer["labels"], word("verify"), colon)
        rest = [option for option in lesion["options"] if option not in offered[:_SHOWN]]
        if rest:
            lines.append(f"{word('others')}{colon}".rstrip())
            lines += _brief(rest, colon)
        lines.append("")
    if len(answer["lesions"]) > 1:
        for session in answer["session"]["sessions"]:
            lesions = ", ".join(session["lesions"])
            anaesthesia = f" — {session['anaesthesia_label']}" if "anaesthesia_label" in session else ""
            lines.append(f"{word('session')}{colon}{lesions}{anaesthesia}")
    if answer["questions"]:
        lines.append(f"{word('questions')}{colon}".rstrip())
        for question in answer["questions"][:_QUESTIONS]:
            lesion = f" ({question['lesion']})" if "lesion" in question else ""
            lines.append(f"   ? {question['label']}{lesion}")
    book = answer["rulebook"]
    lines += [
        "",
        f"{book['name']} {book['version']} ({book['status']}) {book['digest'][:12]} · {answer['evaluated_at']}",
    ]
    lines += _wrapped(answer["notice"], "")
    return "\n".join(lines)


def _to_verify(options: list[Answer], names: Answer, title: str, colon: str) -> list[str]:
    """What is verified before any of these acts, said once for all of them."""
    items = dict.fromkeys(item["item"] for option in options for item in option["to_verify"])
    labels = ", ".join(lower_first(names[item]) for item in items)
    return _wrapped(f"{title}{colon}{labels}", "", "    ") if items else []


def _brief(options: list[Answer], colon: str) -> list[str]:
    """The other options, those of one status on one line, in their order."""
    by_status: dict[str, list[str]] = {}
    for option in options:
        label = option["label"] if not by_status.get(option["status_label"]) else lower_first(option["label"])
        by_status.setdefault(option["status_label"], []).append(label)
    return [
        line
        for status, labels in by_status.items()
        for line in _wrapped(f"- {status}{colon}{', '.join(labels)}", "    ", "      ")
    ]


def _option(option: Answer, word: Callable[[str], str], language: str) -> list[str]:
    colon = ": " if language == "en" else " : "
    lines = [
        *_wrapped(f"{option['rank']:>2}. {option['plan']}", "", "    "),
        f"    [{option['status_label']}]",
        *_wrapped(option["why"], "    "),
    ]
    if option["precautions"]:
        lines += [
            line
            # The first precaution stands in the sentence above when it gives the status.
            for each in option["precautions"][option["status"] == "cautioned" :]
            for line in _wrapped(f"· {word('precaution')}{colon}{each['precaution']}", "    ")
        ]
    if "why_here" in option:
        lines += _wrapped(f"· {option['why_here']}", "    ")
    # The figure that is best founded, whatever it promises.
    for benefit in sorted(option["benefits"], key=lambda each: CERTAINTIES.index(each["certainty"]))[:1]:
        value = "–".join(dict.fromkeys(number(benefit[end], language) for end in ("low", "high")))
        unit = "" if benefit["unit"] == "points" else f" {benefit['unit']}"
        by = f" ({benefit['by']})" if "by" in benefit else ""
        certainty = CERTAINTY[CERTAINTIES.index(benefit["certainty"])].in_(language)
        figure = f"{value}{unit} {benefit['label']}{by}"
        founded = f"{word('certainty')} {certainty}, {', '.join(benefit['sources'])}"
        lines += _wrapped(f"· {word('benefit')}{colon}{figure} [{founded}]", "    ")
    return lines


def _wrapped(text: str, indent: str, hanging: str | None = None) -> list[str]:
    return fill(text, _WIDTH, initial_indent=indent, subsequent_indent=hanging or indent).splitlines()
