"""Whether rules can serve: they load, both engines are built from them, and they decide a referral.

`python -m service.selftest RULES [KEYS]` ends with 0, or prints what is wrong, one line for each mistake, and ends with
1. RULES is a folder of rule files or a bundle; with KEYS, a bundle signed by one of these public keys. gunicorn.conf.py
runs it in a process of its own on every candidate; /readyz and `flask rules check` use the same checks.
"""

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from service.bundle import serve
from service.bundle.errors import BundleError
from service.decision import Decider, Detail, Language
from service.recommend.judge import Disagreement
from service.referral.complaints import ReferralError
from service.referral.strict_json import canonical
from service.rulebook.load import RulebookError
from service.rulebook.model import Rulebook
from service.run.adapter import EngineError

LANGUAGES: tuple[Language, ...] = ("fr", "en")


@dataclass(frozen=True)
class Vector:
    """A referral and the moment at which it is decided."""

    at: datetime
    referral: Any


@cache
def vector() -> Vector:
    """The self-test referral: an ordinary patient, with a second lesion of which almost nothing is known."""
    data = json.loads(Path(__file__).with_name("selftest_referral.json").read_text(encoding="utf-8"))
    return Vector(datetime.fromisoformat(data["at"]), data["referral"])


class SelfTestError(Exception):
    """The rules cannot serve. `errors` says why, one line each; it speaks of rules only, never of a patient."""

    def __init__(self, errors: list[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(errors))


def check(decider: Decider) -> None:
    """Decides the self-test referral. Raises SelfTestError when no answer comes out."""
    _decided(decider, "fr", "decisive")


def check_thoroughly(decider: Decider) -> None:
    """The same in both languages with the full trace, twice. Raises SelfTestError."""
    for language in LANGUAGES:
        if _decided(decider, language, "full") != _decided(decider, language, "full"):
            raise SelfTestError(["the self-test referral got two different answers"])


def _decided(decider: Decider, language: Language, detail: Detail) -> str:
    test = vector()
    try:
        return canonical(decider.decide(test.referral, test.at, language, detail))
    except ReferralError as error:
        raise SelfTestError(
            [
                f"the self-test referral is refused at {wrong.pointer or '/'}: {wrong.text.en}"
                for wrong in error.complaints
            ]
        ) from error
    except (Disagreement, EngineError) as error:
        raise SelfTestError([f"the self-test referral cannot be decided: {error}"]) from error
    except Exception as error:
        # A fault of ours: who cannot decide this one is not fit to decide another.
        raise SelfTestError([f"the self-test referral cannot be decided: {type(error).__name__}"]) from error


def qualified(rules: Path, trusted: Path | None = None) -> Decider:
    """A Decider over a folder of rules or a bundle, that has decided the self-test referral.

    With `trusted`, the public keys, only over a bundle signed by one of them. Raises RulebookError or BundleError when
    the rules do not load, SelfTestError when no engine can be built from them or decide with them.
    """
    return fit(serve.load(rules, trusted).rulebook)


def fit(rulebook: Rulebook) -> Decider:
    """A Decider over `rulebook` that has decided the self-test referral. Raises SelfTestError."""
    try:
        decider = Decider(rulebook)
    except (EngineError, ValueError, ArithmeticError) as error:
        # What could overflow the engine is refused here, never while a patient waits.
        raise SelfTestError([f"no engine can be built from these rules: {error}"]) from error
    check(decider)
    return decider


def errors_of(rules: Path, trusted: Path | None = None) -> list[str]:
    """Everything that keeps a folder of rules or a bundle from serving, one line each; empty when it can."""
    try:
        check_thoroughly(qualified(rules, trusted))
    except RulebookError as error:
        # A missing folder is named by the mistake itself.
        return [str(mistake) if mistake.file == str(rules) else f"{rules}/{mistake}" for mistake in error.mistakes]
    except BundleError as error:
        return list(error.errors)
    except SelfTestError as error:
        return [f"{rules}: {line}" for line in error.errors]
    return []


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2):
        print("usage: python -m service.selftest FOLDER|BUNDLE [KEYS]", file=sys.stderr)
        return 2
    errors = errors_of(*map(Path, arguments))
    for line in errors:
        print(line)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
