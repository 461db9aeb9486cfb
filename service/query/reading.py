"""The query reading: from the facts of many patients to the ranked options of each of their lesions, as SQL.

A few steps, each one projection of the one before; only questions about several lesions join rows, and only those of one
patient. `keep` computes a step once: without it a database would write each expression out wherever it is read again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import ibis
import ibis.expr.types as ir

from service.language.scores import items_read
from service.language.tree import items_of, leaves, scores_of
from service.query import words
from service.query.bearing import Bearer, bearer_columns
from service.query.clock import Clock
from service.query.columns import LESION, PATIENT, FactColumns
from service.query.conditions import Conditions
from service.query.criteria import Criteria, Keep, criteria_of
from service.query.groups import RISKS, Grouping, Masks, group_columns
from service.query.modes import Choice, choice_columns, chosen_column, wait_column
from service.query.open_items import OpenItems
from service.query.options import BINDING, Act, option_columns, rank, told
from service.rulebook.model import MODE_KINDS, STATUSES, Arguments, Dossier, Rulebook


@dataclass(frozen=True, slots=True)
class Outcome:
    """`recommendations`: a row for each patient, lesion and option. `lesions`: a row for each lesion, with its alerts and
    the option ranked first. What each column holds: docs/cohorts.md."""

    recommendations: ir.Table
    lesions: ir.Table


def recommend(rulebook: Rulebook, at: datetime, patients: ir.Table, lesions: ir.Table, keep: Keep) -> Outcome:
    """The recommendation for every lesion at one moment, `at` (in the rulebook's time zone).

    `patients` and `lesions` hold the fact columns (`columns.py`), one row each; no patient and no lesion stands there twice.
    """
    reading = _Reading(rulebook, at)
    criteria = criteria_of(rulebook, reading.criteria, patients, lesions, keep)
    verdicts = keep("verdicts", reading.verdicts(criteria))
    groups = keep("rule_groups", reading.groups(criteria, verdicts))
    bearers = keep("bearers", reading.bearers(groups))
    waits = keep("waits", reading.waits(bearers))
    chosen = keep("chosen", reading.chosen(waits))
    choices = keep("choices", reading.choices(chosen))
    options = keep("options", reading.options(choices))
    ranks = keep("ranks", reading.ranks(options))
    return Outcome(reading.recommendations(ranks), reading.lesions(ranks))


class _Reading:
    """One rulebook made ready for one moment: what each step computes."""

    def __init__(self, rulebook: Rulebook, at: datetime) -> None:
        self._rulebook = rulebook
        self._clock = Clock(at)
        self._grouping = Grouping(rulebook)
        alerts = [bound.place for bound in rulebook.bound if bound.rule.claim == "preempts"]
        bearing = {place for group in self._grouping.groups for place in group.places}
        self._alerts = sorted(
            alerts, key=lambda place: (rulebook.bound[place].rule.within or 0.0, rulebook.bound[place].rule.id)
        )
        self._places = sorted(bearing | set(alerts))
        #: every criterion of a rule, once
        self.criteria = tuple(
            dict.fromkeys(leaf for place in self._places for leaf in leaves(rulebook.bound[place].when))
        )
        items = FactColumns(rulebook).items
        self._masks = Masks(tuple(item.id for item in items if item.id not in rulebook.checklist))
        self._choices: dict[tuple[Arguments, ...], Choice] = {}
        self._acts = [self._act(dossier) for dossier in rulebook.dossiers.values()]

    def _act(self, dossier: Dossier) -> Act:
        return Act(
            dossier.technique,
            Bearer(self._grouping.bearers[dossier.own, False]),
            {kind: self._choice(dossier.modes[kind]) for kind in MODE_KINDS},
        )

    def _choice(self, modes: Mapping[str, Arguments]) -> Choice | None:
        if not modes:
            return None
        key = tuple(modes.values())
        if key not in self._choices:
            bearers = tuple(Bearer(self._grouping.bearers[arguments, True]) for arguments in key)
            self._choices[key] = Choice(len(self._choices), bearers)
        return self._choices[key]

    # ---- the steps ----

    def verdicts(self, criteria: Criteria) -> ir.Table:
        """The verdict of each rule, beside the criteria."""
        conditions = Conditions(self._rulebook, criteria.table, criteria.names)
        return criteria.table.mutate(
            **{_rule(place): conditions.of(self._rulebook.bound[place].when) for place in self._places}
        )

    def groups(self, criteria: Criteria, table: ir.Table) -> ir.Table:
        """What each group of rules says, and the alerts that hold."""
        conditions = Conditions(self._rulebook, table, criteria.names)
        open_items = OpenItems(
            conditions, table, self._rulebook.scores, self._rulebook.checklist, computed=criteria.opens
        )
        verdicts = {place: cast(ir.BooleanValue, table[_rule(place)]) for place in self._places}
        new: dict[str, ir.Value] = {"alerts": self._alert_ids(verdicts)}
        for group in self._grouping.groups:
            asked = group.places if group.kind in (*RISKS, "indications") else ()
            is_open = {place: open_items.of(self._rulebook.bound[place].when) for place in asked}
            new |= group_columns(group, self._rulebook, verdicts, is_open, self._masks, self._clock, table)
        return table.select(PATIENT, LESION, **new)

    def _alert_ids(self, verdicts: Mapping[int, ir.BooleanValue]) -> ir.StringValue:
        named: dict[str, ir.BooleanValue] = {}
        for place in self._alerts:
            rule = self._rulebook.bound[place].rule.id
            named[rule] = named[rule] | verdicts[place] if rule in named else verdicts[place]
        return words.joined([words.listed(verdict, rule) for rule, verdict in named.items()])

    def bearers(self, table: ir.Table) -> ir.Table:
        """What bears on each technique and mode, and its status."""
        new: dict[str, ir.Value] = {}
        for (_, mode), number in self._grouping.bearers.items():
            new |= bearer_columns(Bearer(number), self._grouping, table, self._masks, mode=mode)
        return table.select(PATIENT, LESION, "alerts", **new)

    def waits(self, table: ir.Table) -> ir.Table:
        """When each mode that is deferred is possible."""
        bearers = dict.fromkeys(bearer for choice in self._choices.values() for bearer in choice.bearers)
        new: dict[str, ir.Value] = {}
        for bearer in bearers:
            new |= wait_column(bearer, table, self._clock)
        return table.mutate(**new)

    def chosen(self, table: ir.Table) -> ir.Table:
        """Which mode is chosen of each kind."""
        new: dict[str, ir.Value] = {}
        for choice in self._choices.values():
            new |= chosen_column(choice, table, self._rulebook.ranking.mode_keys)
        return table.mutate(**new)

    def choices(self, table: ir.Table) -> ir.Table:
        """What bears on the modes that are chosen, beside what bears on the techniques."""
        techniques = sorted({act.own.number for act in self._acts})
        own = [name for number in techniques for name in table.columns if name.startswith(f"bearer_{number}_")]
        new: dict[str, ir.Value] = {}
        for choice in self._choices.values():
            new |= choice_columns(choice, table, len(self._masks.widths))
        return table.select(PATIENT, LESION, "alerts", *own, **new)

    def options(self, table: ir.Table) -> ir.Table:
        """Every option, and the number by which it is ranked."""
        new: dict[str, ir.Value] = {}
        for act in self._acts:
            new |= option_columns(act, self._acts, self._rulebook, table, self._masks, self._clock)
        return table.select(PATIENT, LESION, "alerts", **new)

    def ranks(self, table: ir.Table) -> ir.Table:
        return table.mutate(**{act.column("rank"): rank(act, self._acts, table) for act in self._acts})

    # ---- the answer ----

    def recommendations(self, ranks: ir.Table) -> ir.Table:
        rows = []
        for act in self._acts:
            columns = told(act, self._rulebook, ranks, self._masks, self._askable(act))
            rows.append(ranks.select(PATIENT, LESION, **columns))
        return ibis.union(*rows, distinct=False)

    def _askable(self, act: Act) -> frozenset[str]:
        """The items that rules read whose outcome must be known before the act is decided."""
        dossier = self._rulebook.dossiers[act.technique.id]
        bearing = [dossier.own, *(each for kind in BINDING for each in dossier.modes[kind].values())]
        places = {place for each in bearing for kind in (*RISKS, "indications") for place in getattr(each, kind)}
        return frozenset(item for place in places for item in self._reads(place))

    def _reads(self, place: int) -> set[str]:
        """The items that can bear on a rule, through scores too."""
        found: set[str] = set()
        for leaf in leaves(self._rulebook.bound[place].when):
            found.update(items_of(leaf))
            for score in scores_of(leaf):
                found |= items_read(self._rulebook.scores[score], self._rulebook.scores)
        return found

    def lesions(self, ranks: ir.Table) -> ir.Table:
        first = [(cast(ir.IntegerValue, ranks[act.column("rank")]) == 1, act) for act in self._acts]
        statuses = [
            (condition & (ranks[act.column("status")] == at), ibis.literal(status))
            for condition, act in first
            for at, status in enumerate(STATUSES)
        ]
        return ranks.select(
            PATIENT,
            LESION,
            "alerts",
            first=ibis.cases(*((condition, ibis.literal(act.technique.id)) for condition, act in first)),
            first_status=ibis.cases(*statuses),
        )


def _rule(place: int) -> str:
    return f"rule_{place}"
