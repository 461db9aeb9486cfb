"""durable-rules behind one small door: the only module that knows the engine.

The C module is driven directly: its Python `Host` starts timer threads that die on fork, and costs ten times more.
What was measured of the engine (2.0.28), and what is done about it:

- A fact that satisfies more than 64 distinct first conditions overflows a fixed stack in C (error 303), and the
  process then crashes when the state is deleted. Every pending entry of that stack leads to at least one branch of
  its own, so a ruleset of at most 60 branches cannot overflow it: `Ruleset` refuses more.
- Absent properties match nothing, not even "not equal": so unknown values are simply not asserted.
- Types are compared as text: so only numbers are asserted, and words are numbered.
- Numbers with an exponent are rejected: they are written as plain decimals.
- After a failure a state must not be touched again: the ruleset is rebuilt instead.
- A new state's action is never initialised in C (`context` in state.c): deleting a state in which no rule has ever
  fired frees a random address and can crash the process. So each ruleset fires one rule when it is built (`_prime`);
  every later state takes the same place in memory, whose action is then empty.

Built after fork, one per worker: the C engine keeps its states in the process.
"""

import json
import threading
import weakref
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import count
from typing import TypeAlias, TypeVar

import durable_rules_engine as engine

#: one comparison: property, operator, number
Test: TypeAlias = tuple[str, str, float]
#: all of these hold
Branch: TypeAlias = tuple[Test, ...]

MAX_BRANCHES = 60
#: one fact of the engine holds 255 properties
MAX_PROPERTIES = 240

_OPERATORS = {"==": None, "!=": "$neq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
#: what the engine answers to a fact: it leads to a conclusion, or to none
_ACCEPTED = (0, 1)
_names = count()


class EngineError(Exception):
    """The engine failed. The answer must not be given; the ruleset has been rebuilt for the next one."""


Name = TypeVar("Name", bound=str)


class Ruleset:
    """Named conclusions, each with the branches that lead to it, in one ruleset of the engine."""

    def __init__(self, conclusions: Mapping[Name, Iterable[Branch]]) -> None:
        self._definition: dict[str, object] = {}
        #: our property names -> short ones without dots, which the engine would read as paths
        self._properties: dict[str, str] = {}
        for name, branches in conclusions.items():
            for at, branch in enumerate(branches):
                # The engine would fire a rule once for each true branch of an "or": branches are rules of their own.
                self._definition[f"{name}/{at}"] = {
                    "all": [{"m": {"$and": [self._expression(test) for test in branch]}}]
                }
        if len(self._definition) > MAX_BRANCHES:
            raise ValueError(f"{len(self._definition)} branches in one ruleset; {MAX_BRANCHES} is the safe limit")
        if len(self._properties) > MAX_PROPERTIES:
            raise ValueError(f"{len(self._properties)} properties in one ruleset; {MAX_PROPERTIES} is the safe limit")
        # The engine's states are shared by the process; one fact at a time keeps them apart.
        self._lock = threading.Lock()
        self._build()

    def _build(self) -> None:
        self._name = f"indication{next(_names)}"
        # No fact of ours has this property, so that this rule adds nothing to what a fact can satisfy.
        primed = {**self._definition, "prime/0": {"all": [{"m": {"prime": 1}}]}}
        self._handle = engine.create_ruleset(self._name, json.dumps(primed))
        self._prime()
        # The engine keeps a ruleset until it is told otherwise. After a failure it is not told: what a failed ruleset
        # holds must not be touched, so `conclude` lets go of the finalizer and leaves those few kilobytes behind.
        self._release = weakref.finalize(self, engine.delete_ruleset, self._handle)
        self._release.atexit = False

    def _rebuild(self) -> None:
        self._release.detach()
        self._build()

    def _prime(self) -> None:
        """Fires and completes one rule, so that the memory of states holds no random address (see above)."""
        _, state = engine.assert_fact(self._handle, '{"prime":1,"id":"1","sid":"1"}')
        engine.start_action_for_state(self._handle, state)
        engine.complete_and_start_action(self._handle, state)
        engine.delete_state(self._handle, "1")

    def _expression(self, test: Test) -> dict[str, object]:
        name, operator, value = test
        short = self._properties.setdefault(name, f"p{len(self._properties)}")
        key = _OPERATORS[operator]
        return {short: value} if key is None else {key: {short: value}}

    def conclude(self, values: Mapping[str, float]) -> set[str]:
        """The conclusions that `values` lead to. Raises EngineError when the engine fails."""
        fact = [f'"{short}":{_decimal(values[name])}' for name, short in self._properties.items() if name in values]
        if not fact:
            return set()
        text = "{" + ",".join(fact) + ',"id":"1","sid":"1"}'
        fired: set[str] = set()
        with self._lock:
            try:
                code, state = engine.assert_fact(self._handle, text)
                if code not in _ACCEPTED:
                    raise EngineError(f"the engine refused a fact (code {code})")
                action = engine.start_action_for_state(self._handle, state)
                messages = action[1] if action else None
                while messages:
                    # {"rule name": {"m": …}}: the name is all that is needed.
                    fired.add(messages[2 : messages.index("/", 2)])
                    messages = engine.complete_and_start_action(self._handle, state)
                engine.delete_state(self._handle, "1")
            except EngineError:
                self._rebuild()
                raise
            except Exception as error:
                self._rebuild()
                raise EngineError(str(error)) from error
        return fired


def _decimal(value: float) -> str:
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text or "E" in text else text
