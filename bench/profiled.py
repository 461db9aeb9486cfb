"""Where the time of a decision goes: the functions that cost most, by their own time and with what they call."""

import cProfile
import io
import json
import pstats

from service.decision import Decider
from service.referral.strict_json import canonical
from service.rulebook.model import Rulebook

from bench.patients import fixtures


def profiled(rulebook: Rulebook, lines: int = 25) -> str:
    decider = Decider(rulebook)
    given = [(json.dumps(fixture.referral).encode(), fixture.at) for fixture in fixtures(rulebook)]
    for body, at in given:
        decider.decide_json(body, at)
    profile = cProfile.Profile()
    profile.enable()
    for body, at in given:
        canonical(decider.decide_json(body, at))
    profile.disable()
    out = io.StringIO()
    stats = pstats.Stats(profile, stream=out).strip_dirs()
    for order in ("tottime", "cumtime"):
        stats.sort_stats(order).print_stats(lines)
    return out.getvalue()
