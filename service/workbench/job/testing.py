"""The committee's cases and tables under a draft."""

from collections.abc import Iterator
from typing import Any

from service.language.kleene import WORDS
from service.language.meaning import Meaning
from service.language.tree import for_technique
from service.language.vocabulary import Item, Text
from service.rulebook.model import Rule, Rulebook
from service.tell.words import VERDICT, lower_first, number, unit
from service.workbench.cases import read_cases
from service.workbench.job.order import LOADING, Order, Progress
from service.workbench.job.outcome import Outcome, Point
from service.workbench.tables.patients import TableError
from service.workbench.tables.read import Example, Table, read_tables
from service.workbench.trying import Outcome as Tried
from service.workbench.trying import try_case

_TRYING = Text("Cas décidés par les deux moteurs", "Cases decided by both engines")
#: examples of one table that are told
_MOST = 12


def test(order: Order, progress: Progress) -> Outcome:
    """Which cases no longer get the answer they must get, and which rules no longer say what their table says.

    Raises RulebookError, SelfTestError, OSError.
    """
    progress(0, 1, LOADING)
    decider = order.decider
    cases, mistakes = read_cases(order.cases)
    points = []
    for done, (name, case) in enumerate(cases.items()):
        progress(done, len(cases), _TRYING)
        of_form = [mistake for mistake in mistakes if mistake.file == f"{name}.yaml"]
        french = try_case(decider, case, of_form, "fr")
        if not french.passed:
            points.append(_failed(order, french, try_case(decider, case, of_form, "en")))
    failed = len(points)
    points += list(_tables(order))
    return Outcome(not points, _headline(len(cases), failed, len(points) - failed), tuple(points))


def _headline(count: int, cases: int, tables: int) -> Text:
    if not cases and not tables:
        return Text(
            f"Les {count} cas reçoivent la réponse attendue, et les tables de seuils disent de même.",
            f"All {count} cases get the answer expected, and the tables of limits say the same.",
        )
    fr, en = [], []
    if cases:
        fr.append(f"{cases} cas sur {count} {'ne reçoit' if cases == 1 else 'ne reçoivent'} plus la réponse attendue")
        en.append(f"{cases} of {count} cases no longer {'gets' if cases == 1 else 'get'} the answer expected")
    else:
        fr.append(f"les {count} cas reçoivent la réponse attendue")
        en.append(f"all {count} cases get the answer expected")
    if tables:
        fr.append(
            f"{tables} table{'s' if tables > 1 else ''} de seuils {'attendent' if tables > 1 else 'attend'} autre chose"
        )
        en.append(
            f"{tables} table{'s' if tables > 1 else ''} of limits {'expect' if tables > 1 else 'expects'} otherwise"
        )
    french, english = (" ; ".join(fr), "; ".join(en))
    return Text(
        f"{french[0].upper()}{french[1:]}. À relire : c’est la règle qu’il faut corriger, ou l’attente.",
        f"{english[0].upper()}{english[1:]}. To be read: either the rule is to be mended, or the expectation.",
    )


def _failed(order: Order, french: Tried, english: Tried) -> Point:
    case = french.case
    told: Any = case.data.get("name", {}) if isinstance(case.data, dict) else {}
    title = Text(told.get("fr", case.name), told.get("en", case.name))
    where = Text(f"Cas : {case.name}.yaml", f"Case: {case.name}.yaml")
    if french.verdict in ("faulty", "broken"):
        said = tuple(map(str, french.mistakes)) or (french.fault,)
        return Point("fault", title, where, lines=tuple(Text(line, line) for line in said))
    pairs = zip(french.differences, english.differences, strict=True)
    lines = [
        Text(fr, en)
        for one, other in pairs
        for fr, en in zip((one.text, *one.because), (other.text, *other.because), strict=True)
    ]
    patient = order.patient(title, case.data["referral"], case.data["at"])
    return Point("fault", title, where, lines=tuple(lines), patients=(patient,))


# ---- the tables of limits ----


def _tables(order: Order) -> Iterator[Point]:
    """Rules of the draft's file whose verdicts are not those of their table. Other files have not changed."""
    folder = order.cases.parent / "thresholds"
    if not folder.is_dir():
        return
    try:
        tables = read_tables(order.rulebook, folder)
    except TableError as error:
        # An item that the draft takes out may still stand in a table.
        told = Text(
            "Une table de seuils ne se lit plus avec ce brouillon", "A table of limits cannot be read with this draft"
        )
        yield Point("fault", told, Text(str(error), str(error)))
        return
    meaning = Meaning(order.rulebook.vocabulary, order.rulebook.scores)
    for rule in order.rulebook.rules.values():
        table = tables.rules.get(rule.id)
        wrong = list(_wrong(rule, table, meaning)) if table else []
        if table and wrong:
            yield _of_table(order.rulebook, rule, table, wrong)


def _wrong(rule: Rule, table: Table, meaning: Meaning) -> Iterator[tuple[Example, str]]:
    """Each patient of the table on whom the rule says otherwise, with what it says."""
    for example in table.examples:
        node = for_technique(rule.when, example.duration, example.position)
        verdict = meaning.condition(node)(example.situation)
        if verdict != example.verdict:
            yield example, WORDS[verdict]


def _of_table(book: Rulebook, rule: Rule, table: Table, wrong: list[tuple[Example, str]]) -> Point:
    lines = [
        Text(
            f"{_told(book, example, 'fr')} — attendu : {VERDICT[WORDS[example.verdict]].fr} ; le brouillon dit : {VERDICT[said].fr}",
            f"{_told(book, example, 'en')} — expected: {VERDICT[WORDS[example.verdict]].en}; the draft says: {VERDICT[said].en}",
        )
        for example, said in wrong[:_MOST]
    ]
    where = Text(f"Table : {table.file}, ligne {table.line}", f"Table: {table.file}, line {table.line}")
    return Point("fault", rule.because, where, file=rule.file, line=rule.line, rules=(rule.id,), lines=tuple(lines))


def _told(book: Rulebook, example: Example, language: str) -> str:
    """«plaquettes : 49, INR : inconnu»: what makes this patient another one than usual."""
    colon = " : " if language == "fr" else ": "
    told = []
    for name, value in example.given.items():
        item = book.vocabulary.items.get(name)
        label = lower_first(item.label.in_(language)) if item else name
        told.append(f"{label}{colon}{_value(item, value, language)}")
    return ", ".join(told) or Text("le patient habituel", "the usual patient").in_(language)


def _value(item: Item | None, value: Any, language: str) -> str:
    if isinstance(value, list):
        return ", ".join(_value(item, each, language) for each in value)
    if isinstance(value, bool):
        return VERDICT["yes" if value else "no"].in_(language)
    if value == "unknown":
        return VERDICT["unknown"].in_(language)
    if isinstance(value, int | float):
        return f"{number(value, language)} {unit(item.unit, language) if item else ''}".strip()
    if item is not None and isinstance(value, str) and value in item.choices:
        return item.choices[value].in_(language)
    return str(value)
