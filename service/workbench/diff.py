"""What changed from one rulebook to another: told rule by rule in words, each change graded by proof."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from service.language.vocabulary import Text
from service.rulebook.model import Rulebook
from service.workbench.differences.change import GRADE_WORDS, GRADES, MIXED, Change, Diff, Grade, Patient, worst
from service.workbench.differences.comparison import Comparison, change, side
from service.workbench.differences.joint import joint
from service.workbench.differences.others import other_changes
from service.workbench.differences.proving import Graded, ProverFactory, Proving
from service.workbench.differences.rules import renamed, rule_changes
from service.workbench.differences.scores import score_changes, setting_changes
from service.workbench.differences.techniques import mode_changes, technique_changes
from service.workbench.differences.telling import said
from service.workbench.differences.vocabulary import vocabulary_changes

__all__ = ["GRADES", "GRADE_WORDS", "MIXED", "Change", "Diff", "Grade", "Patient", "compare"]

Files: TypeAlias = Mapping[str, bytes]
#: (rules compared so far, and all of them): the rules are what takes time
Progress: TypeAlias = Callable[[int, int], None]

_PARTS: tuple[Callable[[Comparison], Iterator[Change]], ...] = (
    rule_changes,
    technique_changes,
    mode_changes,
    setting_changes,
    score_changes,
    vocabulary_changes,
    other_changes,
)


def compare(
    old: Rulebook,
    new: Rulebook,
    prover_factory: ProverFactory,
    *,
    old_files: Files | None = None,
    new_files: Files | None = None,
    progress: Progress | None = None,
) -> Diff:
    """Every change from `old` to `new`, and the worst grade among them.

    `prover_factory` makes a prover over one rulebook that holds the words of both; it is called only if something must
    be proved. With the files of a rulebook `where` is exact; without them it is the line that the rulebook remembers.
    """
    if old.digest == new.digest:
        return Diff((), "wording", old.digest, new.digest)
    proving = Proving(joint(old, new), prover_factory)
    comparison = Comparison(side(old, old_files), side(new, new_files), proving, renamed(old.rules, new.rules))
    if progress:
        comparison.tick = _counted(progress, len(old.rules.keys() | new.rules.keys()) - len(comparison.renamed))
    found = [each for part in _PARTS for each in part(comparison)]
    found += _untold(comparison, {_file(each) for each in found})
    ordered = sorted(found, key=lambda each: (_file(each), each.gone, _line(each)))
    return Diff(tuple(ordered), worst(each.grade for each in found), old.digest, new.digest, sum(proving.seconds))


def _counted(progress: Progress, of: int) -> Callable[[], None]:
    done = iter(range(1, of + 1))
    return lambda: progress(next(done, of), of)


def _file(of: Change) -> str:
    return of.where.rpartition(":")[0]


def _line(of: Change) -> int:
    return int(of.where.rpartition(":")[2])


def _untold(of: Comparison, told: set[str]) -> Iterator[Change]:
    """Files that differ although nothing above says in what: nothing that changed goes unsaid."""
    old, new = of.old.places.data, of.new.places.data
    for file in sorted(old.keys() | new.keys()):
        before, after = old.get(file), new.get(file)
        if before == after or file in told:
            continue
        here = of.new if file in new else of.old
        grade = Graded("wording")
        if _unordered(before) == _unordered(after):
            what = said("{f} : même contenu, dans un autre ordre", "{f}: same content, in another order", f=file)
        elif (before is None and after in old.values()) or (after is None and before in new.values()):
            what = said("{f} : fichier renommé", "{f}: file renamed", f=file)
        else:
            what = said("{f} : contenu modifié, à lire", "{f}: content changed, to be read", f=file)
            reason = Text("aucune comparaison n’en rend compte", "no comparison accounts for it")
            grade = Graded(MIXED, reason=reason)
        yield change("file", here.places.of(file), what, grade, of=file, gone=file not in new)


def _unordered(data: Any) -> str:
    """The same text whatever the order of lists."""
    if isinstance(data, dict):
        return json.dumps({key: _unordered(value) for key, value in data.items()}, sort_keys=True)
    if isinstance(data, list):
        return json.dumps(sorted(_unordered(each) for each in data))
    return json.dumps(data, sort_keys=True)
