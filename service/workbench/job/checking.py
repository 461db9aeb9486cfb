"""Whether a draft could go into service, and what a careful reader would ask about it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from service.language.vocabulary import Text
from service.rulebook.lints import LINTS, lint
from service.workbench.job.order import LOADING, Order, Progress
from service.workbench.job.outcome import Outcome, Point
from service.workbench.job.remarks import FRENCH

_BUILDING = Text(
    "Construction des deux moteurs, et un cas décidé par chacun", "Building both engines, and one case each"
)
_WHY = {each.id: f"{each.why} {each.mend}" for each in LINTS}
_READING = Text("Relecture : phrases, chiffres, seuils, sources", "Reading again: sentences, figures, limits, sources")


def check(order: Order, progress: Progress) -> Outcome:
    """It loads, both engines decide with it, and the checks of its sense find nothing.

    A remark on another file, or one that the rules in use have as well, is not the draft's and is not told. Raises
    RulebookError, SelfTestError.
    """
    progress(0, 3, LOADING)
    book = order.rulebook
    progress(1, 3, _BUILDING)
    assert order.decider.rulebook is book
    progress(2, 3, _READING)
    today = datetime.now(UTC).astimezone(ZoneInfo(book.info.timezone)).date()
    before = {(found.lint, found.message) for found in lint(order.used, order.present, today)}
    found = [each for each in lint(book, order.files, today) if (each.lint, each.message) not in before]
    points = tuple(
        Point(
            each.grade,
            Text(FRENCH.get(each.lint, each.message), each.message),
            # What exactly is told in English only; it names the rule and quotes the file.
            Text(each.message, _WHY.get(each.lint, each.lint)),
            file=each.file,
            line=each.line,
        )
        for each in sorted(found, key=lambda each: (each.grade != "fault", each))
    )
    faults = sum(point.grade == "fault" for point in points)
    count = len(book.rules)
    good = Text(
        f"Aucune erreur : {count} règles lues, et les deux moteurs décident avec elles.",
        f"No mistake: {count} rules read, and both engines decide with them.",
    )
    if not points:
        return Outcome(True, good, points)
    remarks = Text(
        f"Le fichier se lit et les moteurs décident, mais {len(points)} point{'s' if len(points) > 1 else ''} "
        f"nouveau{'x' if len(points) > 1 else ''} à relire"
        f"{f', dont {faults} à corriger' if faults else ''}.",
        f"The file can be read and the engines decide, but there {'are' if len(points) > 1 else 'is'} {len(points)} new "
        f"point{'s' if len(points) > 1 else ''} to read{f', {faults} of them to mend' if faults else ''}.",
    )
    return Outcome(not faults, remarks, points)
