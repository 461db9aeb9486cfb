"""What can be run over a draft."""

from collections.abc import Mapping

from service.language.vocabulary import Text
from service.rulebook.load import RulebookError
from service.selftest import SelfTestError
from service.workbench.job.checking import check
from service.workbench.job.comparing import compare
from service.workbench.job.order import Task
from service.workbench.job.outcome import Outcome, Point, same
from service.workbench.job.proving import proof
from service.workbench.job.testing import test

TASKS: Mapping[str, Task] = {"check": check, "prove": proof, "test": test, "impact": compare}


def refused(error: RulebookError | SelfTestError) -> Outcome:
    """A draft that cannot serve: nothing else can be said of it before it is mended."""
    if isinstance(error, SelfTestError):
        return Outcome(
            False,
            Text(
                "Les fichiers se lisent, mais les moteurs ne peuvent pas décider avec ces règles.",
                "The files can be read, but the engines cannot decide with these rules.",
            ),
            tuple(Point("fault", same(line)) for line in error.errors),
        )
    count = len(error.mistakes)
    return Outcome(
        False,
        Text(
            f"{count} erreur{'s' if count > 1 else ''} à corriger d’abord : ce référentiel ne peut pas servir.",
            f"{count} mistake{'s' if count > 1 else ''} to mend first: this rulebook cannot serve.",
        ),
        tuple(
            Point("fault", same(mistake.message), file=mistake.file, line=mistake.line, mistake=mistake)
            for mistake in error.mistakes
        ),
    )
