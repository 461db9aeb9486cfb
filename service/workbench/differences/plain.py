"""A comparison and its impact as plain data, for machines and for pages."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from service.language.vocabulary import Text
from service.workbench.differences.change import GRADES, Change, Diff
from service.workbench.impact import Impact, Moved, Pair

Plain: TypeAlias = dict[str, Any]


def plain(diff: Diff) -> Plain:
    """A comparison; counts by grade, then every change."""
    grades = [change.grade for change in diff.changes]
    return {
        "old": diff.old,
        "new": diff.new,
        "overall": diff.overall,
        "grades": {grade: grades.count(grade) for grade in reversed(GRADES) if grade in grades},
        "changes": [_change(change) for change in diff.changes],
    }


def _change(change: Change) -> Plain:
    told: Plain = {
        "grade": change.grade,
        "kind": change.kind,
        "of": change.of,
        "where": change.where,
        "only_in_old": change.gone,
        "what": _both(change.what),
    }
    if change.reason is not None:
        told["reason"] = _both(change.reason)
    if change.witness is not None:
        told["witness"] = {"referral": change.witness, "at": change.at}
    if change.other is not None:
        told["treated_more_strictly"] = {"referral": change.other.referral, "at": change.other.at}
    return told


def plain_impact(impact: Impact, examples: int) -> Plain:
    """An impact: counts, flows, and a few referrals as examples."""
    return {
        "synthetic": impact.synthetic,
        "referrals": impact.subjects,
        "lesions": impact.lesions,
        "referrals_changed": len(impact.moved),
        "first_option_changed": impact.first_changed,
        "now_refused": impact.now_refused,
        "now_accepted": impact.now_accepted,
        "first_option": _flows(impact.firsts),
        "status": _flows(impact.statuses),
        "status_by_technique": {name: _flows(flows) for name, flows in sorted(impact.by_technique.items())},
        "alerts_raised": dict(sorted(impact.raised.items())),
        "alerts_lowered": dict(sorted(impact.lowered.items())),
        "changed": [moved.subject.name for moved in impact.moved],
        "examples": [_moved(moved) for moved in impact.examples(examples)],
    }


def _flows(flows: Mapping[Pair, int]) -> list[Plain]:
    """The most frequent first."""
    ordered = sorted(flows.items(), key=lambda entry: (-entry[1], str(entry[0])))
    return [{"before": before, "after": after, "count": count} for (before, after), count in ordered]


def _moved(moved: Moved) -> Plain:
    return {
        "name": moved.subject.name,
        "at": moved.subject.at.isoformat(),
        "synthetic": moved.subject.synthetic,
        "refused": list(moved.refused),
        "first_option": {lesion: list(pair) for lesion, pair in moved.firsts.items()},
        "status": {f"{lesion} {technique}": list(pair) for (lesion, technique), pair in moved.statuses.items()},
        "alerts_raised": list(moved.raised),
        "alerts_lowered": list(moved.lowered),
        "referral": moved.subject.referral,
    }


def _both(text: Text) -> Plain:
    return {"fr": text.fr, "en": text.en}
