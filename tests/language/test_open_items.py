"""Open items and residuals, against brute force: what is asked can decide, and what is not asked cannot."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from service.language.facts import Listing, Moment, Value
from service.language.kleene import UNKNOWN
from service.language.meaning import Meaning, Situation
from service.language.open_items import OpenItem, OpenItems
from service.language.residual import residual
from service.language.tree import Node, items_of, leaves
from tests.properties import trees
from tests.properties.trees import CHOICES, NUMBERS, VOCABULARY, moment
from tests.strategies import examples, seeded


def tell(
    patient: dict[str, Value], lesions: list[dict[str, Value]], items: frozenset[OpenItem], random: Random
) -> tuple[dict[str, Value], list[dict[str, Value]]]:
    """The same facts with the items told and nothing else."""
    of_patient = frozenset(item.item for item in items if item.lesion is None)
    told = trees.told(patient, "patient", random, of_patient)
    return told, [
        trees.told(lesion, "lesion", random, frozenset(item.item for item in items if item.lesion == place))
        for place, lesion in enumerate(lesions)
    ]


@examples(250)
@given(st.integers(0, 2**32))
def test_once_the_open_items_are_told_the_condition_is_decided(seed: int) -> None:
    """So nothing that is not asked can matter: every form of condition, scores and several lesions included."""
    random = seeded(seed)
    scores = trees.scores(random)
    meaning = Meaning(VOCABULARY, scores)
    open_items = OpenItems(meaning, VOCABULARY, scores)
    node = trees.Trees(random, scores).tree("lesion", 3)
    patient = trees.known("patient", random, 0.4)
    lesions = [trees.known("lesion", random, 0.4) for _ in range(random.randint(1, 3))]
    _, situations = trees.situations_of(patient, lesions)
    for place, situation in enumerate(situations):
        verdict = meaning.condition(node)(situation)
        items = open_items.of(node, situation, place)
        assert bool(items) == (verdict == UNKNOWN)
        for _ in range(4):
            told_patient, told_lesions = tell(patient, lesions, items, random)
            _, told = trees.situations_of(told_patient, told_lesions)
            decided = meaning.condition(node)(told[place])
            assert decided != UNKNOWN
            assert verdict in (UNKNOWN, decided)
            # Whatever else is learnt changes nothing any more.
            rest, others = (
                trees.told(told_patient, "patient", random),
                [trees.told(lesion, "lesion", random) for lesion in told_lesions],
            )
            _, whole = trees.situations_of(rest, others)
            assert meaning.condition(node)(whole[place]) == decided


def every_way(item: str, facts: dict[str, Value]) -> list[Value]:
    """All that an item may turn out to be, given what is known of it."""
    known = facts.get(item)
    open_to_change = (
        known is None
        or (isinstance(known, Listing) and not known.complete)
        or (isinstance(known, Moment) and known.instant is None and known.since[0] < known.since[1])
    )
    if known is not None and not open_to_change:
        return [known]
    match VOCABULARY[item].type:
        case "flag":
            return [False, True]
        case "choice":
            return list(CHOICES)
        case "number":
            return list(NUMBERS)
        case "moment":
            days = [0, 1, 2, 4] if known is None else [known.days]
            hours = (0.0, 6.0, 12.0) if days == [0] else (0.0, 6.0, 12.0, 18.0, 23.0)
            return [moment(day, hour) for day in days for hour in (hours if day else hours[:3])]
    listing = known if isinstance(known, Listing) else Listing(frozenset(), frozenset(), False)
    free = sorted(frozenset(CHOICES) - listing.present - listing.absent)
    ways: list[Value] = []
    for chosen in range(2 ** len(free)):
        added = frozenset(word for at, word in enumerate(free) if chosen >> at & 1)
        ways.append(Listing(listing.present | added, frozenset(CHOICES) - listing.present - added, True))
    return ways


def can_decide(node: Node, item: str, facts: dict[str, Value], meaning: Meaning, random: Random) -> bool:
    """Whether some completion of all else leaves the verdict to this item: tried at random, many times."""
    ways = every_way(item, facts)
    others = [leaf for leaf in leaves(node) if item not in items_of(leaf)]
    for _ in range(60 * (1 + len(others))):
        rest = trees.told(trees.told(facts, "patient", random), "lesion", random)
        found = {meaning.condition(node)(Situation({**rest, item: way})) for way in ways}
        if len(found) > 1:
            return True
    return False


@examples(80)
@given(st.integers(0, 2**32))
def test_every_open_item_can_change_the_verdict_for_some_completion(seed: int) -> None:
    """Of conditions in which no item stands twice: a condition like `x or not x` is beyond Kleene's logic."""
    random = seeded(seed)
    meaning = Meaning(VOCABULARY, {})
    node = trees.Trees(random).read_once("lesion", 3)
    facts = {**trees.known("patient", random, 0.3), **trees.known("lesion", random, 0.3)}
    asked = OpenItems(meaning, VOCABULARY, {}).of(node, Situation(facts), 0)
    for item in asked:
        assert can_decide(node, item.item, facts, meaning, random), (node, item)
    read = {name for leaf in leaves(node) for name in items_of(leaf)}
    for name in sorted(read - {item.item for item in asked}):
        assert not can_decide(node, name, facts, meaning, random), (node, name)


def test_an_open_item_names_its_lesion_or_the_patient() -> None:
    meaning = Meaning(VOCABULARY, {})
    random = seeded(1)
    node = trees.Trees(random).of_item(VOCABULARY["lesion.flag0"])
    of_patient = trees.Trees(random).of_item(VOCABULARY["patient.flag0"])
    opened = OpenItems(meaning, VOCABULARY, {})
    assert opened.of(node, Situation({}), 2) == {OpenItem(2, "lesion.flag0")}
    assert opened.of(of_patient, Situation({}), 2) == {OpenItem(None, "patient.flag0")}


@examples(150)
@given(st.integers(0, 2**32))
def test_a_residual_says_the_same_as_the_condition_under_all_that_may_be_learnt(seed: int) -> None:
    random = seeded(seed)
    scores = trees.scores(random)
    meaning = Meaning(VOCABULARY, scores)
    node = trees.Trees(random, scores).tree("lesion", 3)
    facts = {**trees.known("patient", random, 0.5), **trees.known("lesion", random, 0.5)}
    if meaning.condition(node)(Situation(facts, [facts])) != UNKNOWN:
        return
    rest = residual(node, Situation(facts, [facts]), meaning)
    assert len(list(leaves(rest))) <= len(list(leaves(node)))
    for _ in range(6):
        some = frozenset(item.id for item in VOCABULARY if random.random() < 0.6)
        told = trees.told(trees.told(facts, "patient", random, some), "lesion", random, some)
        situation = Situation(told, [told])
        assert meaning.condition(rest)(situation) == meaning.condition(node)(Situation(told, [told]))


@examples(150)
@given(st.integers(0, 2**32))
def test_a_known_verdict_stays_under_all_that_may_be_learnt(seed: int) -> None:
    random = seeded(seed)
    scores = trees.scores(random)
    meaning = Meaning(VOCABULARY, scores)
    nodes = [trees.Trees(random, scores).tree("lesion", 3) for _ in range(5)]
    patient = trees.known("patient", random, 0.5)
    lesions = [trees.known("lesion", random, 0.5) for _ in range(2)]
    _, before = trees.situations_of(patient, lesions)
    some = frozenset(item.id for item in VOCABULARY if random.random() < 0.5)
    _, after = trees.situations_of(
        trees.told(patient, "patient", random, some), [trees.told(lesion, "lesion", random, some) for lesion in lesions]
    )
    for node in nodes:
        for earlier, later in zip(before, after, strict=True):
            verdict = meaning.condition(node)(earlier)
            assert verdict in (UNKNOWN, meaning.condition(node)(later)), node
