"""GET /metrics: what all workers of this server counted, in the text format of Prometheus."""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.web import asked, request_id, store
from service.web.cds import clients
from service.web.logs import whereabouts
from service.web.metrics.counting import EXTENSION, Meters, answered, meters, serves
from service.web.metrics.dead import STARTED, reading
from service.web.reload import last_status
from service.web.shadow import pages as shadow
from service.web.shadow.compare import KINDS, subject
from service.web.state import NotReady, state

log = logging.getLogger(__name__)

blueprint = Blueprint("metrics", __name__)


def register(app: Flask) -> None:
    """Call it early: what is registered later is measured too, and the status that leaves is the one counted."""
    app.extensions[EXTENSION] = Meters()
    app.before_request(_begun)
    app.after_request(_ended)
    app.register_blueprint(blueprint)


def warm(app: Flask) -> None:
    """A worker that has its rules says so before anybody asks it for metrics."""
    with app.app_context():
        _served()


@blueprint.get("/metrics")
def metrics() -> Response:
    asked.only()
    here = meters()
    _served()
    registry = CollectorRegistry()
    registry.register(_Told(_beside))
    if here.shared is None:
        registry.register(_Told(here.registry.collect))
        text = generate_latest(registry)
    else:
        MultiProcessCollector(registry, here.shared)
        with reading(Path(here.shared)):
            text = generate_latest(registry)
    return Response(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Told(Collector):
    """Metrics that are made when they are asked for."""

    def __init__(self, make: Callable[[], Iterable[Metric]]) -> None:
        self._make = make

    def collect(self) -> Iterable[Metric]:
        return self._make()

    def describe(self) -> Iterable[Metric]:
        return ()


def _begun() -> None:
    g.begun = time.perf_counter()


def _ended(response: Response) -> Response:
    here, route, method, begun, status = meters(), request_id.route(), request.method, g.begun, response.status_code

    def count() -> None:
        answered(here, route, method, status, time.perf_counter() - begun)

    if response.is_streamed:
        response.call_on_close(count)
    else:
        count()
    return response


def _served() -> None:
    try:
        serves(state().desk().decider.rulebook)
    except NotReady:
        # That there are no rules is told by the absence of indication_rulebook_info.
        return


def _beside() -> Iterator[Metric]:
    """What no worker counts: it is known to all of them, and is looked up."""
    here = meters()
    began = (Path(here.shared) / STARTED).stat().st_mtime if here.shared else here.began
    yield GaugeMetricFamily(
        "indication_start_time_seconds", "When this server started, in seconds since 1970.", value=began
    )
    yield GaugeMetricFamily(
        "indication_rules_refused", "1 when the last candidate rules were refused, else 0.", value=_rules_refused()
    )
    yield from _key_ends()
    yield from _spool(here)
    yield from _shadow()


def _key_ends() -> Iterator[Metric]:
    """When the API keys end that have an end. Labels: the client's name and the public id of the key, nothing else of either."""
    found = GaugeMetricFamily(
        "indication_key_expires_timestamp_seconds",
        "The start (UTC) of the first day on which an API key is refused, in seconds since 1970.",
        labels=("client", "key"),
    )
    for entry, key in clients.current().keys.values():
        if key.expires is not None:
            begins = datetime(key.expires.year, key.expires.month, key.expires.day, tzinfo=UTC)
            found.add_metric((entry.name, key.id), begins.timestamp())
    yield found


def _spool(here: Meters) -> Iterator[Metric]:
    if here.spool is None:
        return
    try:
        length = here.spool()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other metrics are told
        log.error("the queue's length cannot be read: %s", whereabouts(error))  # noqa: TRY400 - not its message
        return
    yield GaugeMetricFamily("indication_audit_spool_length", "Records that wait in the queue on disk.", value=length)


def _rules_refused() -> int:
    try:
        last = last_status()
    except (OSError, ValueError, KeyError, TypeError):
        return 1
    return int(last is not None and not last.taken)


def _shadow() -> Iterator[Metric]:
    """What the shadow differed in, from the counts that all workers keep together; nothing when there is no shadow."""
    here = shadow.current()
    if here.rulebook is None:
        return
    try:
        counts = store.current().tallied(subject(state().desk().decider.rulebook.digest, here.rulebook["digest"]))
    except (sqlite3.Error, OSError, NotReady):
        return
    found = CounterMetricFamily(
        "indication_shadow_referrals",
        "Referrals compared with the shadow's answer, by how the two differ (docs/observing.md).",
        labels=("kind", "shadow"),
    )
    for kind in KINDS:
        found.add_metric((kind, here.rulebook["digest"]), counts.get(kind, 0))
    yield found
