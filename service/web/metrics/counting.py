"""What is counted, and the calls that count. A count that fails is logged and costs nobody an answer."""

import logging
import os
import time
from collections.abc import Callable
from functools import wraps
from typing import Literal, ParamSpec, TypeAlias

from flask import Flask, current_app
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from service.recommend.recommendation import Recommendation
from service.rulebook.model import STATUSES, Rulebook
from service.web import logs

log = logging.getLogger(__name__)

EXTENSION = "indication-metrics"
#: the variable that names the folder where all workers count together; without it a process counts for itself
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: seconds; a worker that takes longer than the last is stopped (gunicorn.conf.py, `timeout`)
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
#: in place of a status, when no option is told for any lesion
NO_OPTION = "no_option"

#: what became of the record of a decision. `spooled`: kept in the queue on disk; `refused`: no answer was given for want of it
Recorded: TypeAlias = Literal["recorded", "spooled", "refused"]
_Given = ParamSpec("_Given")


class Meters:
    """What one application counts. With FOLDER set, in files that all workers of a server share; else in memory."""

    def __init__(self) -> None:
        self.registry = here = CollectorRegistry()
        self.shared = os.environ.get(FOLDER)
        self.began = time.time()
        #: how many records wait in the queue on disk; set by `watch_spool`
        self.spool: Callable[[], int] | None = None
        self.requests = Counter(
            "indication_requests", "Requests answered.", ("route", "method", "status"), registry=here
        )
        self.seconds = Histogram(
            "indication_request_seconds",
            "Time from a request's arrival in a worker to the end of its answer.",
            ("route",),
            registry=here,
            buckets=BUCKETS,
        )
        self.decisions = Counter(
            "indication_decisions",
            "Decisions, by the best status that a first option has for any lesion.",
            ("door", "status"),
            registry=here,
        )
        self.options = Counter(
            "indication_options", "Options told, one for each lesion.", ("technique", "status"), registry=here
        )
        self.alerts = Counter("indication_alerts", "Decisions in which an alert holds.", ("rule",), registry=here)
        self.unknown = Counter(
            "indication_unknown_items", "Decisions that ask for an item nobody has given.", ("item",), registry=here
        )
        self.withheld = Counter(
            "indication_withheld_answers", "Answers not given: the two engines differed, or one failed.", ("kind",),
            registry=here,
        )  # fmt: skip
        self.recorded = Counter(
            "indication_audit_recorded", "Decisions that stand in the record, answered at once.", registry=here
        )
        self.not_recorded = Counter(
            "indication_audit_not_recorded",
            "Decisions that could not be recorded at once: refused, or kept in the queue on disk (spool).",
            ("policy",),
            registry=here,
        )
        self.refused = Counter(
            "indication_access_refused", "Calls turned away at the door.", ("reason",), registry=here
        )
        # Of a worker that ended these two say nothing any more (dead.py).
        self.rulebook = Gauge(
            "indication_rulebook_info",
            "1 for each set of rules that a worker decides with.",
            ("name", "version", "digest", "status"),
            registry=here,
            multiprocess_mode="livemax",
        )
        self.workers = Gauge(
            "indication_workers", "Workers that are alive.", registry=here, multiprocess_mode="livesum"
        )
        self.workers.set(1)
        # A series that begins when the first fault happens hides this first one from rate().
        for kind in ("disagreement", "engine_error"):
            self.withheld.labels(kind)
        for policy in ("refuse", "spool"):
            self.not_recorded.labels(policy)


def meters_of(app: Flask) -> Meters:
    found: Meters = app.extensions[EXTENSION]
    return found


def meters() -> Meters:
    """The meters of the current application."""
    return meters_of(current_app)


def _costs_nothing(count: Callable[_Given, None]) -> Callable[_Given, None]:
    @wraps(count)
    def counted(*args: _Given.args, **kwargs: _Given.kwargs) -> None:
        try:
            count(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer must leave
            log.error("not counted: %s", logs.whereabouts(error))  # noqa: TRY400 - a message could quote a patient

    return counted


@_costs_nothing
def answered(here: Meters, route: str, method: str, status: int, seconds: float) -> None:
    """A request was answered. `route` is the template of its address."""
    here.requests.labels(route, logs.method(method), str(status)).inc()
    here.seconds.labels(route).observe(seconds)


@_costs_nothing
def decided(door: str, recommendation: Recommendation) -> None:
    """A decision was made, at this door."""
    here = meters()
    first = [lesion.ranked[0].option.status for lesion in recommendation.lesions if lesion.ranked]
    here.decisions.labels(door, min(first, key=STATUSES.index, default=NO_OPTION)).inc()
    for lesion in recommendation.lesions:
        for ranked in lesion.ranked:
            here.options.labels(ranked.option.technique.id, ranked.option.status).inc()
    for alert in recommendation.alerts:
        here.alerts.labels(alert.rule).inc()
    for item in {question.item for question in recommendation.questions}:
        here.unknown.labels(item).inc()


@_costs_nothing
def withheld(kind: Literal["disagreement", "engine_error"]) -> None:
    """An answer was not given."""
    meters().withheld.labels(kind).inc()


@_costs_nothing
def recorded(outcome: Recorded, number: int = 1) -> None:
    """What became of the records of so many decisions."""
    if outcome == "recorded":
        meters().recorded.inc(number)
    else:
        meters().not_recorded.labels("spool" if outcome == "spooled" else "refuse").inc(number)


@_costs_nothing
def refused(reason: str) -> None:
    """A call was turned away. `reason` is a word of ours, never what was sent."""
    meters().refused.labels(reason).inc()


@_costs_nothing
def serves(rulebook: Rulebook) -> None:
    """This worker decides with these rules."""
    info = rulebook.info
    meters().rulebook.labels(info.name, info.version, rulebook.digest, info.status).set(1)


def watch_spool(app: Flask, length: Callable[[], int]) -> None:
    """From now on /metrics tells how many records wait in the queue on disk: `length` is asked at each reading."""
    meters_of(app).spool = length
