"""What judges a part: the rulebook at one moment, from raw tables to ranked options."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import ibis.expr.types as ir

from service.cohort.engines import Dialect
from service.cohort.running.plan import Judge, Judged
from service.cohort.settle.settle import settle_source
from service.query.criteria import Keep
from service.query.reading import recommend
from service.rulebook.model import Rulebook


def by_rules(rulebook: Rulebook, at: datetime) -> Judge:
    """Settles the raw tables of a source and recommends for every lesion."""
    moment = localised(rulebook, at)

    def judge(raw: Mapping[str, ir.Table], dialect: Dialect, keep: Keep) -> Judged:
        settled = settle_source(raw, rulebook, moment, dialect, keep)
        # Counted now, so that the raw values need not be kept until the end.
        problems = keep("problem_counts", settled.problems)
        outcome = recommend(rulebook, moment, settled.patients, settled.lesions, keep)
        return Judged(outcome.recommendations, outcome.lesions, settled.refused, problems, settled.missing)

    return judge


def localised(rulebook: Rulebook, at: datetime) -> datetime:
    """A moment in the rulebook's zone; one without a zone is taken as being in it."""
    zone = ZoneInfo(rulebook.info.timezone)
    return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)
