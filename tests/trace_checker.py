"""Derives every verdict, status and place of an answer again, from the trace alone.

Knows nothing of the service and imports nothing of it: what it needs is in the answer to `?trace=full`, and the words'
meaning is in docs/rule-language.md and docs/architecture.md. `complaints` lists every difference found.

Two things a trace does not hold, and so are taken as said: which items keep a score unknown (only its points are
shown), and the burden of a technique. What an alert that blocks nothing rests on is checked when its criteria are told.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any, NamedTuple

NO, UNKNOWN, YES = 0, 1, 2
WORDS = ("no", "unknown", "yes")

STATUSES = (
    "eligible",
    "provisional",
    "cautioned",
    "undetermined",
    "deferred",
    "not_indicated",
    "excluded",
    "preempted",
)
STRENGTHS = ("strong", "moderate", "weak")
CERTAINTIES = ("high", "moderate", "low", "very_low", "consensus")
#: kinds of argument that can only stop an act, and those that must be asked when they are unknown
BINDING = ("anaesthesia", "guidance")
MODE_KINDS = (*BINDING, "stay")
MINUTES = {"min": 1.0, "h": 60.0, "d": 1440.0}

Entry = Mapping[str, Any]


def complaints(answer: Entry) -> list[str]:
    """Everything in which the answer says something else than its trace."""
    checker = _Checker(answer)
    checker.check()
    return checker.found


# ---- criteria --------------------------------------------------------------------------------------------------------


def compared(low: float, high: float, operator: str, limit: float) -> int:
    """An interval against a number: known when the whole interval agrees."""
    holds = {
        "<": (high < limit, low < limit),
        "<=": (high <= limit, low <= limit),
        ">": (low > limit, high > limit),
        ">=": (low >= limit, high >= limit),
        "==": (low == high == limit, low <= limit <= high),
        "!=": (high < limit or low > limit, not low == high == limit),
    }[operator]
    certainly, possibly = holds
    return YES if certainly else UNKNOWN if possibly else NO


def leaf_verdict(leaf: Entry) -> int:
    """The verdict of one criterion from its value and limit."""
    if "score" in leaf:
        points = leaf["points"].values()
        low, high = sum(part[0] for part in points), sum(part[1] for part in points)
        total = compared(low, high, leaf["operator"], leaf["limit"])
        applies = WORDS.index(leaf["applies"])
        return NO if applies == NO else min(applies, total)
    if "count" in leaf:
        return compared(*leaf["count"], leaf["operator"], leaf["limit"])
    if "item" in leaf:
        return _of_item(leaf)
    if "value" in leaf:
        return _of_technique(leaf)
    return YES


def _of_item(leaf: Entry) -> int:
    if "unknown" in leaf:
        return UNKNOWN
    if "present" in leaf:
        present, absent = set(leaf["present"]), set(leaf["absent"])
        if present.intersection(leaf["words"]):
            return YES
        return NO if leaf["complete"] or absent.issuperset(leaf["words"]) else UNKNOWN
    if "words" in leaf:
        return YES if leaf["value"] in leaf["words"] else NO
    if "operator" not in leaf:
        return YES if leaf["value"] is True else NO
    low, high = leaf["hours"] if "hours" in leaf else [leaf["days"] if "days" in leaf else leaf["value"]] * 2
    return compared(low, high, leaf["operator"], leaf["limit"])


def _of_technique(leaf: Entry) -> int:
    """A property of the technique: the limit stands in the line that the committee wrote."""
    line, value = leaf["criterion"], leaf["value"]
    duration = re.search(r"technique\.duration\s*(<=|>=|==|!=|<|>)\s*([\d.]+)\s*(\w+)", line)
    if duration:
        operator, number, unit = duration.groups()
        minutes = float(value.split(" ")[0])
        return compared(minutes, minutes, operator, float(number) * MINUTES[unit])
    position = re.search(r"technique\.position\s+is\s+(not\s+)?(\w+)", line)
    assert position, line
    return YES if (value == position.group(2)) != bool(position.group(1)) else NO


def tree_verdict(node: Entry) -> int:
    """The verdict of a condition from those of its criteria."""
    if "all" in node:
        return min(tree_verdict(part) for part in node["all"])
    if "any" in node:
        return max(tree_verdict(part) for part in node["any"])
    if "not" in node:
        return YES - tree_verdict(node["not"])
    return leaf_verdict(node)


def nodes(node: Entry) -> Iterator[Entry]:
    yield node
    for part in (*node.get("all", ()), *node.get("any", ()), *([node["not"]] if "not" in node else ())):
        yield from nodes(part)


def undecided(node: Entry) -> Iterator[Entry]:
    """The criteria that keep a condition undecided."""
    if tree_verdict(node) != UNKNOWN:
        return
    inner = [*node.get("all", ()), *node.get("any", ()), *([node["not"]] if "not" in node else ())]
    if not inner:
        yield node
    for part in inner:
        yield from undecided(part)


# ---- statuses --------------------------------------------------------------------------------------------------------


class Bearing(NamedTuple):
    alert: int
    excluding: int
    deferring: int
    indicated: int
    against: int
    asked: bool


def status_of(bears: Bearing) -> str:
    if bears.alert == YES:
        return "preempted"
    if bears.excluding == YES:
        return "excluded"
    if bears.indicated == NO:
        return "not_indicated"
    if bears.deferring == YES:
        return "deferred"
    if bears.asked:
        return "undetermined"
    if bears.against == YES:
        return "cautioned"
    return "provisional" if UNKNOWN in bears[:5] else "eligible"


def answered(bears: Bearing, *, well: bool) -> str:
    """The status when all that is unknown is answered in favour of the act, or against it."""
    settled = [verdict if verdict != UNKNOWN else NO if well else YES for verdict in bears[:5]]
    if bears.indicated == UNKNOWN:
        settled[3] = YES if well else NO
    return status_of(Bearing(*settled, asked=False))


def possible(bears: Bearing) -> set[str]:
    ends = [(NO, YES) if verdict == UNKNOWN else (verdict,) for verdict in bears[:5]]
    return {status_of(Bearing(*end, asked=False)) for end in product(*ends)}


def tier(status: str) -> int:
    """`eligible` and `provisional` are one tier."""
    return max(0, STATUSES.index(status) - 1)


def possible_of_the_best(modes: Iterable[Bearing]) -> set[str]:
    """What the mode that will be chosen can turn out to be: no worse than the mode that is surest."""
    each = [possible(bears) for bears in modes]
    assured = min(max(map(tier, statuses)) for statuses in each)
    return {status for statuses in each for status in statuses if tier(status) <= assured}


def worst(statuses: Iterable[str]) -> str:
    return max(statuses, key=STATUSES.index)


# ---- the whole answer ------------------------------------------------------------------------------------------------


class _Checker:
    def __init__(self, answer: Entry) -> None:
        self.answer = answer
        self.found: list[str] = []
        self.checklist = set(answer["checklist"])
        self.at = datetime.fromisoformat(answer["evaluated_at"])
        self.standings = answer["ranking"]["standings"]

    def say(self, where: str, said: Any, derived: Any) -> None:
        if said != derived:
            self.found.append(f"{where}: the answer says {said}, the trace {derived}")

    def check(self) -> None:
        self.say("statuses", tuple(self.answer["ranking"]["statuses"]), STATUSES)
        for lesion in self.answer["lesions"]:
            _LesionChecker(self, lesion).check()
        self._alerts()
        self._sessions()

    def _alerts(self) -> None:
        """Alerts that block something are rules against it, and stand in the trace."""
        holding: dict[str, set[str]] = {}
        for lesion in self.answer["lesions"]:
            for rule in lesion["rules"].values():
                if rule["claim"] == "preempts" and rule["verdict"] == "yes":
                    holding.setdefault(rule["rule"], set()).add(lesion["id"])
        told = {alert["rule"]: alert for alert in self.answer["alerts"]}
        blocking = {name for name, alert in told.items() if alert["blocks"]}
        self.say("alerts that block", sorted(blocking), sorted(set(holding) & blocking | set(holding) - set(told)))
        for name, lesions in holding.items():
            said = told.get(name, {}).get("lesions")
            # One about the patient as a whole names no lesion, and so must hold for all.
            everywhere = {lesion["id"] for lesion in self.answer["lesions"]}
            self.say(f"lesions of {name}", sorted(said or everywhere), sorted(lesions))
        urgency = [(alert["within_hours"] or 0.0, alert["rule"]) for alert in self.answer["alerts"]]
        self.say("order of alerts", urgency, sorted(urgency))

    def _sessions(self) -> None:
        first = {lesion["id"]: lesion["options"][0] for lesion in self.answer["lesions"]}
        session = self.answer["session"]
        self.say("lesions of the plan", sorted(session["order"]), sorted(first))
        for entry in session["sessions"]:
            if len(entry["lesions"]) > session["max_sites"]:
                self.say("sites in one session", len(entry["lesions"]), session["max_sites"])
            if "anaesthesia" in entry:
                statuses = [
                    mode["status"]
                    for lesion in entry["lesions"]
                    for mode in first[lesion]["anaesthesia"]
                    if mode["mode"] == entry["anaesthesia"]
                ]
                self.say("acts the session's anaesthesia serves", len(statuses), len(entry["lesions"]))
                self.say("status of the session's anaesthesia", entry["status"], worst(statuses))


class _LesionChecker:
    """One lesion: its rules, then its options from their verdicts."""

    def __init__(self, whole: _Checker, lesion: Entry) -> None:
        self.whole = whole
        self.lesion = lesion
        self.rules: Mapping[str, Entry] = lesion["rules"]
        self.verdicts = {key: tree_verdict(rule["criteria"]) for key, rule in self.rules.items()}
        self.open = {key: {item["item"] for item in rule.get("open", ())} for key, rule in self.rules.items()}
        self.to_verify = {
            key
            for key, verdict in self.verdicts.items()
            if verdict == UNKNOWN and self.open[key] and self.open[key] <= whole.checklist
        }

    def say(self, where: str, said: Any, derived: Any) -> None:
        self.whole.say(f"{self.lesion['id']}: {where}", said, derived)

    def check(self) -> None:
        for key, rule in self.rules.items():
            self._rule(key, rule)
        options = self.lesion["options"]
        for option in options:
            self._option(option)
        self.say("ranks", [option["rank"] for option in options], list(range(1, len(options) + 1)))
        order = [(list(option["keys"].values()), option["technique"]) for option in options]
        self.say("order of the options", [name for _, name in order], [name for _, name in sorted(order)])
        names = ["standing", *(key["key"] for key in self.whole.answer["ranking"]["keys"])]
        for option in options:
            self.say(f"{option['technique']}: keys", list(option["keys"]), names)
        self._scores()

    # -- rules

    def _rule(self, key: str, rule: Entry) -> None:
        for node in nodes(rule["criteria"]):
            where = f"{key}: {node.get('criterion', 'joined criteria')}"
            self.say(where, node["verdict"], WORDS[tree_verdict(node)])
            if "points" in node:
                points = node["points"].values()
                total = [sum(part[0] for part in points), sum(part[1] for part in points)]
                self.say(f"{where}: total", node["total"], total)
            if "lesions" in node:
                verdicts = list(node["lesions"].values())
                self.say(
                    f"{where}: count", node["count"], [verdicts.count("yes"), len(verdicts) - verdicts.count("no")]
                )
        self.say(f"{key}: verdict", rule["verdict"], WORDS[self.verdicts[key]])
        self._open_items(key, rule)

    def _open_items(self, key: str, rule: Entry) -> None:
        leaves = list(undecided(rule["criteria"]))
        surely = {leaf["item"] for leaf in leaves if "item" in leaf}
        perhaps = {item for leaf in leaves if "count" in leaf for item in leaf["items"]}
        told = self.open[key]
        self.say(f"{key}: open items that are not told", sorted(surely - told), [])
        if not any("score" in leaf or ("count" in leaf and _has_score(leaf)) for leaf in leaves):
            self.say(f"{key}: open items that are told for nothing", sorted(told - surely - perhaps), [])
        if bool(told) != (self.verdicts[key] == UNKNOWN):
            self.say(f"{key}: has open items", bool(told), self.verdicts[key] == UNKNOWN)

    def _scores(self) -> None:
        """A score is one and the same wherever it is told."""
        for key, rule in self.rules.items():
            for node in nodes(rule["criteria"]):
                if "score" in node and node["applies"] == "yes":
                    told = self.lesion["scores"].get(node["score"], {}).get("total")
                    self.say(f"{key}: score {node['score']}", told, node["total"])

    # -- arguments

    def _kind(self, rule: Entry) -> str:
        match rule["claim"]:
            case "preempts":
                return "alerts"
            case "indicates":
                return "indications"
            case "favours":
                return "favours"
        if rule["severity"] == "relative":
            return "cautions"
        return "deferring" if rule["correctable"] else "excluding"

    def _arguments(self, where: str, arguments: Mapping[str, Mapping[str, str]]) -> None:
        for kind, told in arguments.items():
            for key, verdict in told.items():
                self.say(f"{where}: {key}", verdict, WORDS[self.verdicts[key]])
                self.say(f"{where}: kind of {key}", kind, self._kind(self.rules[key]))

    def _with(self, arguments: Mapping[str, Mapping[str, str]], kind: str, verdict: int) -> list[str]:
        return [key for key in arguments.get(kind, ()) if self.verdicts[key] == verdict]

    def _bearing(self, arguments: Mapping[str, Mapping[str, str]], *, mode: bool) -> Bearing:
        def strongest(kind: str) -> int:
            return max((self.verdicts[key] for key in arguments.get(kind, ())), default=NO)

        indicated = YES if mode else strongest("indications")
        stops = [key for kind in ("alerts", "excluding", "deferring") for key in arguments.get(kind, ())]
        asked = indicated == UNKNOWN or any(
            self.verdicts[key] == UNKNOWN and key not in self.to_verify for key in stops
        )
        return Bearing(
            strongest("alerts"), strongest("excluding"), strongest("deferring"), indicated, strongest("cautions"), asked
        )

    # -- options

    def _option(self, option: Entry) -> None:
        name = option["technique"]
        self._arguments(name, option["arguments"])
        own = self._bearing(option["arguments"], mode=False)
        everything, acts, can_be = [own], [option["arguments"]], possible(own)
        for kind in MODE_KINDS:
            modes = option[kind]
            bearings = [self._mode(f"{name}, {mode['mode']}", mode) for mode in modes]
            self._mode_order(f"{name}: order of {kind}", modes)
            if modes and kind in BINDING:
                everything.append(bearings[0])
                acts.append(modes[0]["arguments"])
                can_be = {worst((a, b)) for a in can_be for b in possible_of_the_best(bearings)}
        whole = Bearing(
            max(bears.alert for bears in everything),
            max(bears.excluding for bears in everything),
            max(bears.deferring for bears in everything),
            own.indicated,
            max(bears.against for bears in everything),
            any(bears.asked for bears in everything),
        )
        status = status_of(whole)
        self.say(f"{name}: status", option["status"], status)
        self.say(f"{name}: possible", option["possible"], sorted(can_be, key=STATUSES.index))
        self.say(f"{name}: final", option["final"], can_be == {status})
        self.say(f"{name}: if well", option["if_well"], answered(whole, well=True))
        self.say(f"{name}: if badly", option["if_badly"], answered(whole, well=False))
        self._earliest(option, acts, status)
        self._keys(option, status)
        self._asked(option, acts, own)

    def _mode(self, where: str, mode: Entry) -> Bearing:
        self._arguments(where, mode["arguments"])
        bears = self._bearing(mode["arguments"], mode=True)
        self.say(f"{where}: status", mode["status"], status_of(bears))
        self.say(f"{where}: arguments in favour", mode["favours"], len(self._with(mode["arguments"], "favours", YES)))
        return bears

    def _mode_order(self, where: str, modes: list[Entry]) -> None:
        keys = self.whole.answer["ranking"]["mode_keys"]

        def key(mode: Entry) -> list[Any]:
            # Among deferred modes, the one that is possible first.
            wait = self._hours_until(mode["earliest"]) if "earliest" in mode else 0.0
            values = {
                "status": (tier(mode["status"]), wait),
                "favours": (-mode["favours"], 0.0),
                "preference": (mode["preference"], 0.0),
            }
            return [*(values[name] for name in keys), values["preference"]]

        self.say(where, [mode["mode"] for mode in modes], [mode["mode"] for mode in sorted(modes, key=key)])
        self.say(f"{where}: preferences", sorted(mode["preference"] for mode in modes), list(range(len(modes))))

    def _rule_ids(self, acts: Iterable[Mapping[str, Any]], kind: str) -> list[str]:
        return [self.rules[key]["rule"] for act in acts for key in self._with(act, kind, YES)]

    def _earliest(self, option: Entry, acts: list[Mapping[str, Any]], status: str) -> None:
        name, corrections = option["technique"], option["corrections"]
        told = [correction["rule"] for correction in corrections]
        self.say(f"{name}: what defers it", sorted(told), sorted(self._rule_ids(acts, "deferring")))
        told = [precaution["rule"] for precaution in option["precautions"]]
        self.say(f"{name}: precautions", sorted(told), sorted(self._rule_ids(acts, "cautions")))
        latest = max((c["earliest"] for c in corrections), key=self._moment, default=None)
        self.say(f"{name}: earliest", option.get("earliest"), latest if status == "deferred" else None)

    def _moment(self, text: str) -> datetime:
        if "T" in text:
            return datetime.fromisoformat(text)
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=self.whole.at.tzinfo)

    def _hours_until(self, text: str) -> float:
        """Whole calendar days for a date."""
        if "T" in text:
            return (self._moment(text) - self.whole.at) / timedelta(hours=1)
        return (date.fromisoformat(text) - self.whole.at.date()).days * 24.0

    def _standing(self, option: Entry, status: str) -> int:
        for at, standing in enumerate(self.whole.standings):
            within = standing["deferred_within_hours"]
            soon = status == "deferred" and within is not None and "earliest" in option
            if status in standing["statuses"] or (soon and self._hours_until(option["earliest"]) <= within):
                return at
        return len(self.whole.standings)

    def _keys(self, option: Entry, status: str) -> None:
        name, arguments, keys = option["technique"], option["arguments"], option["keys"]
        established, possible = (self._with(arguments, "indications", verdict) for verdict in (YES, UNKNOWN))
        held = established or possible
        evidence = [
            (STRENGTHS.index(self.rules[key]["strength"]), CERTAINTIES.index(self.rules[key]["certainty"]))
            for key in held
        ]
        strength, certainty = min(evidence, default=(len(STRENGTHS), len(CERTAINTIES)))
        derived = {
            "standing": self._standing(option, status),
            "indication": 0 if established else 1 if possible else 2,
            "strength": strength,
            "status": tier(status),
            "favours": -len(self._with(arguments, "favours", YES)),
            "cautions": len(self._with(arguments, "cautions", YES)),
            "certainty": certainty,
        }
        for key, value in derived.items():
            if key in keys:
                self.say(f"{name}: {key}", keys[key], value)
        standings = self.whole.standings
        self.say(f"{name}: standing", option["standing"], standings[min(derived["standing"], len(standings) - 1)]["id"])

    def _asked(self, option: Entry, acts: list[Mapping[str, Any]], own: Bearing) -> None:
        """The items asked, to verify, and that may call for precautions."""
        name, checklist = option["technique"], self.whole.checklist
        stops = [key for act in acts for kind in ("alerts", "excluding", "deferring") for key in act.get(kind, ())]
        indications = option["arguments"].get("indications", ()) if own.indicated != YES else ()
        cautions = [key for act in acts for key in act.get("cautions", ())]

        def items(keys: Iterable[str]) -> set[str]:
            return {item for key in keys if self.verdicts[key] == UNKNOWN for item in self.open[key]}

        asked = items(key for key in (*stops, *indications) if key not in self.to_verify)
        for said, derived in (
            ("questions", asked - checklist),
            ("to_verify", items((*stops, *cautions)) & checklist),
            ("may_call_for_precautions", items(cautions) - checklist),
        ):
            told = {entry["item"] for entry in option[said]}
            self.say(f"{name}: {said}", sorted(told), sorted(derived))
        considered = [
            *stops,
            *cautions,
            *option["arguments"].get("indications", ()),
            *(key for act in acts for key in act.get("favours", ())),
        ]
        unverified = {
            self.rules[key]["rule"]
            for key in considered
            if self.verdicts[key] != NO and not self.rules[key]["verified"]
        }
        self.say(f"{name}: unverified", option["unverified"], sorted(unverified))


def _has_score(leaf: Entry) -> bool:
    return "score." in leaf["criterion"]
