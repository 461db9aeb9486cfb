"""Answers of earlier runs: a question is asked again only when something it depends on has changed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import z3

from service.prove.prover import Proof
from service.prove.question import Question
from service.rulebook.model import Rulebook

#: answers kept, the most recent ones
MOST = 20_000
MAX_BYTES = 64_000_000


@cache
def _method() -> str:
    """How questions are answered: Z3's version, and every line of code that says what a condition means."""
    digest = hashlib.sha256(z3.get_version_string().encode())
    service = Path(__file__).parents[1]
    for room in ("language", "rulebook", "prove", "referral"):
        for path in sorted((service / room).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _words(rulebook: Rulebook) -> str:
    """What every question depends on: items, scores, and what cannot be."""
    parts = [
        *(
            f"{item.id} {item.type} {item.scope} {item.low} {item.high} {item.step} {list(item.choices)}"
            for item in rulebook.vocabulary
        ),
        *map(repr, rulebook.scores.values()),
        *map(repr, rulebook.impossible),
        repr(sorted(rulebook.checklist)),
        rulebook.info.timezone,
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Remembered:
    """The file of earlier answers. Without a file nothing is remembered. A file that cannot be read is begun anew."""

    def __init__(self, file: Path | None, rulebook: Rulebook, patience: float) -> None:
        self._file = file
        self._base = f"{_method()}:{_words(rulebook)}:{patience}"
        self._held: dict[str, Any] = _read(file)

    def key(self, question: Question) -> str:
        return hashlib.sha256(f"{self._base}:{question.id}:{question.content}".encode()).hexdigest()

    def answer(self, question: Question) -> Proof | None:
        found = self._held.get(self.key(question))
        try:
            proof = Proof(**found) if isinstance(found, dict) else None
        except TypeError:
            return None
        return proof if proof is not None and proof.answer in ("proved", "refuted") else None

    def keep(self, answers: Iterable[tuple[Question, Proof]]) -> None:
        """Adds answers that are certain, and writes the file. A file that cannot be written costs time only."""
        if self._file is None:
            return
        for question, proof in answers:
            if proof.answer != "undecided":
                key = self.key(question)
                self._held.pop(key, None)
                self._held[key] = asdict(proof)
        kept = dict(list(self._held.items())[-MOST:])
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps(kept), encoding="utf-8")
            new.replace(self._file)
        except OSError:
            return


def _read(file: Path | None) -> dict[str, Any]:
    try:
        if file is None or file.stat().st_size > MAX_BYTES:
            return {}
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(data) if isinstance(data, Mapping) else {}
