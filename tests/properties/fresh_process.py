"""Decides the fixtures named on standard input, with the rules in the folder given, and prints a digest of each answer."""

import hashlib
import sys
from pathlib import Path

from service.decision import Decider
from service.referral.strict_json import canonical
from service.rulebook.load import load_rulebook
from tests.strategies import fixture


def main(rules: str) -> None:
    decider = Decider(load_rulebook(Path(rules)))
    for name in sys.stdin.read().split():
        sent = fixture(name)
        answer = canonical(decider.decide(sent.data, sent.at, "fr", "full"))
        sys.stdout.write(f"{name} {hashlib.sha256(answer.encode()).hexdigest()}\n")


if __name__ == "__main__":
    main(sys.argv[1])
