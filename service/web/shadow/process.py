"""The shadow's own process: reads referrals from its input, decides them, compares, counts. It says and logs no value.

`python -m service.web.shadow.process RULES STORE [KEYS]`. It ends when its input does, when nothing can be decided with
its rules, and, by an alarm of the system's that no code can hold up, when one referral takes too long.
"""

import json
import logging
import os
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from service.bundle.errors import BundleError
from service.decision import Decider
from service.recommend.judge import Disagreement
from service.referral.complaints import ReferralError
from service.rulebook.load import RulebookError
from service.run.adapter import EngineError
from service.selftest import SelfTestError, qualified
from service.web import logs
from service.web.shadow.compare import compared, subject, summary
from service.web.store import Store

log = logging.getLogger("service.web.shadow.process")  # its own name is __main__

LOAD_SECONDS = 120.0
DECIDE_SECONDS = 10.0
#: added to the process's niceness: whoever decides for a patient comes first
NICER = 10


def counted(decider: Decider, served: Mapping[str, Any], body: bytes, at: datetime) -> Counter[str]:
    """What to count for one referral; `served` is the summary of the answer that was given."""
    try:
        return compared(dict(served), summary(decider.decide_json(body, at)))
    except ReferralError:
        return Counter({"refused": 1})
    except (Disagreement, EngineError):
        return Counter({"failed": 1})
    except Exception:  # noqa: BLE001 - a shadow that stumbles over one referral goes on with the next
        return Counter({"failed": 1})


def _loaded(rules: Path, trusted: Path | None) -> Decider | list[str]:
    try:
        return qualified(rules, trusted)
    except RulebookError as error:
        return [str(mistake) for mistake in error.mistakes]
    except (BundleError, SelfTestError) as error:
        return list(error.errors)


def serve(decider: Decider, store: Store, jobs: IO[bytes]) -> None:
    """Decides what comes until nothing more comes."""
    mine = decider.rulebook.digest
    while head := jobs.readline():
        job = json.loads(head)
        body = jobs.read(job["length"])
        signal.setitimer(signal.ITIMER_REAL, DECIDE_SECONDS)
        counts = counted(decider, job["answer"], body, datetime.fromisoformat(job["at"])) + Counter(job["lost"])
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            store.tally(subject(job["served"], mine), counts)
        except (sqlite3.Error, OSError) as error:
            log.error("shadow: cannot count: %s", type(error).__name__)  # noqa: TRY400 - a message could quote a patient


def main(arguments: list[str]) -> int:
    rules, store, *keys = map(Path, arguments)
    # Ctrl-C at a terminal reaches every process of the server: this one ends with its worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.start(os.environ.get("INDICATION_LOGS_FORMAT"), os.environ.get("INDICATION_LOGS_LEVEL"))
    os.nice(NICER)
    signal.setitimer(signal.ITIMER_REAL, LOAD_SECONDS)
    decider = _loaded(rules, keys[0] if keys else None)
    signal.setitimer(signal.ITIMER_REAL, 0)
    errors = decider if isinstance(decider, list) else []
    info = {} if isinstance(decider, list) else _about(decider)
    try:
        os.write(sys.stdout.fileno(), json.dumps({"errors": errors, **info}).encode() + b"\n")
    except BrokenPipeError:
        # The worker ended meanwhile, and nobody reads this any more.
        return 0
    if isinstance(decider, list):
        return 1
    serve(decider, Store(store), sys.stdin.buffer)
    return 0


def _about(decider: Decider) -> dict[str, Any]:
    info = decider.rulebook.info
    return {
        "rulebook": {
            "name": info.name,
            "version": info.version,
            "status": info.status,
            "digest": decider.rulebook.digest,
        }
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
