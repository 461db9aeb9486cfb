"""A job as its page shows it: how far it is, how it ended, what it found."""

from dataclasses import dataclass
from typing import Any

from service.language.errors import Mistake
from service.language.vocabulary import Text
from service.tell import words
from service.web.committee import mistakes
from service.web.committee.jobs import Busy, Job, Plain, State

#: what can be run, in the order of the buttons: its name, and the question that it answers
TASKS: dict[str, tuple[Text, Text]] = {
    "check": (Text("Contrôler", "Check"), Text("Le fichier est-il juste ?", "Is the file right?")),
    "prove": (
        Text("Prouver", "Prove"),
        Text("Peut-il contredire, ou mettre en danger ?", "Can it contradict, or endanger?"),
    ),
    "test": (Text("Tester", "Test"), Text("Les cas gardent-ils leur réponse ?", "Do the cases keep their answer?")),
    "impact": (Text("Impact", "Impact"), Text("Qui reçoit une autre réponse ?", "Who gets another answer?")),
}
_TITLES = {
    "check": Text("Contrôle", "Check"),
    "prove": Text("Preuve", "Proof"),
    "test": Text("Test", "Test"),
    "impact": Text("Impact", "Impact"),
}
_ENDS = {
    "failed": Text(
        "Le calcul a échoué, par une faute du service et non du brouillon. Recommencer, puis prévenir l’exploitant.",
        "The computation failed, by a fault of the service, not of the draft. Try again, then tell whoever runs it.",
    ),
    "cancelled": Text("Calcul annulé. Le brouillon est intact.", "Computation cancelled. The draft is untouched."),
    "silent": Text(
        "Calcul arrêté : sa page ne répondait plus. Le relancer si besoin.",
        "Computation stopped: its page was no longer there. Start it again if need be.",
    ),
    "stopped": Text("Calcul arrêté avec le service.", "Computation stopped with the service."),
}


@dataclass(frozen=True, slots=True)
class View:
    """One job in one language."""

    name: str
    task: str
    title: str
    how: str
    seconds: str
    limit: str
    #: how far, when it is known: a share of `of`
    done: int = 0
    of: int = 0
    label: str = ""
    #: how it ended, when there is no result
    end: str = ""
    #: where it failed
    fault: str = ""
    result: dict[str, Any] | None = None


def title(task: str, language: str) -> str:
    return _TITLES[task].in_(language) if task in _TITLES else ""


def view(job: Job, state: State, longest: float, language: str) -> View:
    """Raises FileNotFoundError once the job is forgotten."""
    order = job.order()
    task = order["task"]
    limit = lasted(longest, language)
    end = ""
    if state.how == "too-long":
        end = Text(
            f"Calcul arrêté au bout de {limit}, la durée permise ici. En ligne de commande, rien ne le borne.",
            f"Computation stopped after {limit}, the time allowed here. On the command line nothing bounds it.",
        ).in_(language)
    elif state.how in _ENDS:
        end = _ENDS[state.how].in_(language)
    progress = state.progress or {"done": 0, "of": 0, "label": {"fr": "Démarrage", "en": "Starting"}}
    return View(
        job.name,
        task,
        title(task, language),
        state.how,
        lasted(state.seconds, language),
        limit,
        progress["done"],
        progress["of"],
        _said(progress["label"], language),
        end,
        state.fault,
        _result(state.result, order["file"], language) if state.result else None,
    )


def _result(result: Plain, file: str, language: str) -> dict[str, Any]:
    """The outcome in one language; each patient has its number in the job."""
    points, number = [], 0
    for told in result["points"]:
        point = _in(told, language)
        # A link into the text is worth something only in the file that is open.
        point["here"] = told.get("file") == file
        if "mistake" in told:
            point["title"] = words.typeset(mistakes.told(Mistake(**told["mistake"]), language))
        for patient in point["patients"]:
            patient["number"] = number
            number += 1
        points.append(point)
    return {
        "good": result["good"],
        "headline": _said(result["headline"], language),
        "points": points,
        "left_out": result["left_out"],
        "columns": [_said(column, language) for column in result["columns"]] if result["columns"] else None,
        "picture": bool(result["picture"]),
    }


def patients(result: Plain) -> list[Plain]:
    """Every patient of a result, in the order of their numbers."""
    return [patient for point in result["points"] for patient in point["patients"]]


def busy(error: Busy, language: str) -> str:
    """Who is computing, for how long, and for how much longer at most."""
    name = title(error.task, language).lower() or Text("calcul", "computation").in_(language)
    text = Text(
        f"Le service calcule déjà autre chose ({name}, depuis {lasted(error.running, language)}, "
        f"encore {lasted(error.left, language)} au plus) : un calcul à la fois, pour ne pas ralentir les réponses aux cliniciens.",
        f"The service is already computing something else ({name}, for {lasted(error.running, language)}, "
        f"for {lasted(error.left, language)} more at most): one at a time, so that clinicians do not wait.",
    )
    return _typeset(text.in_(language), language)


def lasted(seconds: float, language: str) -> str:
    """«8 s», «1 min 20 s», «5 min»."""
    if seconds < 10:
        return f"{words.number(round(seconds, 1), language)} s"
    minutes, rest = divmod(round(seconds), 60)
    return " ".join(
        part for part in (f"{minutes} min" if minutes else "", f"{rest} s" if rest or not minutes else "") if part
    )


def _in(told: Any, language: str) -> Any:
    """Plain data with every pair of texts in one language; a referral is left as it is."""
    if isinstance(told, dict):
        if told.keys() == {"fr", "en"}:
            return _said(told, language)
        return {key: value if key in ("referral", "expect") else _in(value, language) for key, value in told.items()}
    if isinstance(told, list):
        return [_in(each, language) for each in told]
    return told


def _said(text: dict[str, str], language: str) -> str:
    return _typeset(text[language], language)


def _typeset(text: str, language: str) -> str:
    return words.typeset(text) if language == "fr" else text
