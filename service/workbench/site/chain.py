"""How conclusions chain: items, scores, rules, arguments, statuses; of one technique or of the whole rulebook."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from service.language.scores import items_read
from service.language.vocabulary import Text
from service.rulebook.bind import kind_of_argument
from service.rulebook.model import MODE_KINDS, Arguments, ModeKind, Rule, Technique
from service.tell import words
from service.workbench.site.picture import Column, Edge, Node, Picture, drawn
from service.workbench.site.references import items_of_node, scores_of_node
from service.workbench.site.views import KINDS, Link, Views, page_of

#: argument -> the statuses that it leads to while it holds
_LEADS = {
    "alerts": ("preempted",),
    "excluding": ("excluded",),
    "deferring": ("deferred",),
    "cautions": ("cautioned",),
    "indications": ("eligible",),
}
#: argument -> the status that it leads to while it is unknown
_OPEN = {
    "alerts": "undetermined",
    "excluding": "undetermined",
    "deferring": "undetermined",
    "indications": "undetermined",
    "cautions": "provisional",
}
_RANK = "rank"


@dataclass(frozen=True, slots=True)
class Source:
    """A box of rules: those of one file, of a part, or on one kind of mode."""

    id: str
    text: str
    link: Link | None
    #: (rule, kind of argument, kind of mode or None)
    rules: tuple[tuple[Rule, str, ModeKind | None], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """The same as one line of a table: which rules, how many, what they read, what they lead to."""

    label: str
    link: Link | None
    count: int
    items: tuple[str, ...]
    scores: tuple[Link, ...]
    arguments: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Chain:
    picture: Picture
    lines: tuple[Line, ...]


def of_technique(views: Views, technique: Technique) -> Chain:
    """Everything that bears on one technique and its admissible modes."""
    book = views.rulebook
    dossier = book.dossiers[technique.id]
    found: dict[str, dict[str, tuple[Rule, str, ModeKind | None]]] = {}
    for rule, kind in _argued(dossier.own, views):
        found.setdefault(rule.file, {})[rule.id] = (rule, kind, None)
    for mode_kind in MODE_KINDS:
        for arguments in dossier.modes[mode_kind].values():
            for rule, kind in _argued(arguments, views):
                found.setdefault(mode_kind, {})[rule.id] = (rule, kind, mode_kind)
    sources = [_source(views, name, tuple(rules.values()), technique) for name, rules in sorted(found.items())]
    modes = {
        kind: ", ".join(
            words.lower_first(views.tell.say(book.modes[(kind, mode)].label)) for mode in technique.modes[kind]
        )
        for kind in MODE_KINDS
        if technique.modes[kind]
    }
    return _chain(views, sources, modes)


def of_rulebook(views: Views) -> Chain:
    """Every rule, those of the techniques taken together."""
    found: dict[str, list[tuple[Rule, str, ModeKind | None]]] = {}
    for file, rules in views.references.rules_of.items():
        folder = PurePosixPath(file).parts[0]
        name = file if folder in ("alerts", "safety") else folder
        for rule in rules:
            mode = rule.target.mode[0] if rule.target.mode else None
            found.setdefault(name, []).append((rule, kind_of_argument(rule), mode))
    sources = [_source(views, name, tuple(rules), None) for name, rules in sorted(found.items())]
    modes = {
        kind: ", ".join(
            words.lower_first(views.tell.say(mode.label)) for mode in views.rulebook.modes.values() if mode.kind == kind
        )
        for kind in MODE_KINDS
    }
    return _chain(views, sources, modes)


def of_indications(views: Views, technique: Technique) -> Picture:
    """Item by item, what proposes a technique."""
    tell, book = views.tell, views.rulebook
    rules = [book.bound[place].rule for place in book.dossiers[technique.id].own.indications]
    read = [(rule, items_of_node(rule.when), scores_of_node(rule.when)) for rule in rules]
    scores = list(dict.fromkeys(score for _, _, found in read for score in found))
    behind = {score: sorted(items_read(book.scores[score], book.scores)) for score in scores}
    items = dict.fromkeys(item for _, found, _ in read for item in found)
    edges = [Edge(f"item:{item}", rule.id, 1) for rule, found, _ in read for item in found]
    edges += [Edge(f"score:{score}", rule.id, 1) for rule, _, found in read for score in found]
    edges += [Edge(rule.id, "act", 1) for rule in rules]
    notes = {score: tell.t(f"{len(behind[score])} éléments", f"{len(behind[score])} items") for score in scores}
    columns = [
        Column(
            tell.t("Éléments lus", "Items read"),
            tuple(Node(f"item:{item}", words.sentence(tell.item(item))[:-1]) for item in items),
            190,
            free=True,
        ),
        Column(
            tell.t("Scores", "Scores"),
            tuple(
                Node(f"score:{score}", tell.say(book.scores[score].label), notes[score], kind="score")
                for score in scores
            ),
            150,
        ),
        Column(
            tell.t("Indications : une seule suffit", "Indications: one is enough"),
            tuple(Node(rule.id, tell.say(rule.because), tell.claim(rule), kind="indications") for rule in rules),
            350,
        ),
        Column(tell.t("Proposée", "Proposed"), (Node("act", tell.say(technique.label), kind="indications"),), 150),
    ]
    return drawn(columns, edges)


def _argued(arguments: Arguments, views: Views) -> Iterator[tuple[Rule, str]]:
    for kind in KINDS:
        for place in getattr(arguments, kind):
            yield views.rulebook.bound[place].rule, kind


def _source(
    views: Views, name: str, rules: tuple[tuple[Rule, str, ModeKind | None], ...], technique: Technique | None
) -> Source:
    t = views.tell.t
    kinds = {
        "techniques": t("Règles propres des techniques", "Rules of the techniques themselves"),
        "anaesthesia": t("Règles d’anesthésie", "Rules on anaesthesia"),
        "guidance": t("Règles de guidage", "Rules on guidance"),
        "stay": t("Règles de séjour", "Rules on the stay"),
    }
    if name in kinds:
        page = "techniques/index.html" if name == "techniques" else "modes.html"
        return Source(name, kinds[name], Link(kinds[name], page), rules)
    label = views.tell.say(views.references.label(name))
    own = technique is not None and views.references.files[name].get("technique") == technique.id
    text = t("Règles propres", "Its own rules") if own else label
    return Source(name, text, Link(text, page_of(name)), rules)


def _chain(views: Views, sources: list[Source], modes: Mapping[ModeKind, str]) -> Chain:
    tell, book = views.tell, views.rulebook
    scores = sorted({score for source in sources for rule, _, _ in source.rules for score in scores_of_node(rule.when)})
    arguments: Counter[str] = Counter(_argument(kind, mode) for source in sources for _, kind, mode in source.rules)
    used = {item for source in sources for rule, _, _ in source.rules for item in items_of_node(rule.when)}
    used |= {item for score in scores for item in items_read(book.scores[score], book.scores)}
    per_section = Counter(book.vocabulary[item].section for item in used)
    columns = [
        Column(
            tell.t("Éléments, par section", "Items, by section"),
            tuple(
                Node(f"section:{name}", tell.say(label), count=str(per_section[name]))
                for name, label in book.vocabulary.sections.items()
                if per_section[name]
            ),
            150,
            free=True,
        ),
        Column(
            tell.t("Scores", "Scores"),
            tuple(Node(f"score:{name}", tell.say(book.scores[name].label), kind="score") for name in scores),
            150,
            free=True,
        ),
        Column(
            tell.t("Règles, par sujet", "Rules, by topic"),
            tuple(Node(source.id, source.text, count=str(len(source.rules))) for source in sources),
            190,
            free=True,
        ),
        Column(
            tell.t("Technique et modes : ce qui s’additionne", "Technique and modes: what adds up"),
            _argument_nodes(views, arguments, modes),
            190,
        ),
        Column(tell.t("Statut de l’option", "Status of the option"), _statuses(views), 190),
    ]
    return Chain(drawn(columns, _edges(views, sources, scores, arguments)), tuple(_lines(views, sources)))


def _argument(kind: str, mode: ModeKind | None) -> str:
    return f"mode:{mode}" if mode else kind


def _argument_nodes(views: Views, arguments: Counter[str], modes: Mapping[ModeKind, str]) -> tuple[Node, ...]:
    tell = views.tell
    own = [
        Node(kind, words.sentence(tell.say(words.ARGUMENTS[kind]))[:-1], count=str(arguments[kind]), kind=kind)
        for kind in ("alerts", "excluding", "indications", "deferring", "cautions", "favours")
        if arguments[kind]
    ]
    of_modes = [
        Node(
            f"mode:{kind}",
            words.sentence(tell.say(words.KIND[kind]))[:-1],
            modes[kind],
            str(arguments[f"mode:{kind}"] or ""),
            "mode",
        )
        for kind in MODE_KINDS
        if kind in modes
    ]
    return (*own, *of_modes)


def _statuses(views: Views) -> tuple[Node, ...]:
    t, say = views.tell.t, views.tell.say
    notes = {
        "preempted": t("une alerte tient", "an alert holds"),
        "excluded": t("rien ne la corrige", "nothing corrects it"),
        "not_indicated": t("aucune indication ne tient", "no indication holds"),
        "deferred": t("corrigeable, pas encore corrigé", "correctable, not yet corrected"),
        "undetermined": t("un point décisif reste inconnu", "a decisive point is unknown"),
        "cautioned": t("une précaution tient", "a precaution holds"),
        "provisional": t("restent les vérifications d’avant geste", "the pre-procedure checks remain"),
        "eligible": t("indiquée, rien ne s’y oppose", "indicated, nothing against it"),
    }
    told = [
        Node(
            f"status:{name}",
            words.sentence(say(_SHORT.get(name, words.STATUS[name])))[:-1],
            note,
            kind=f"status-{name}",
        )
        for name, note in notes.items()
    ]
    return (
        *told,
        Node(
            _RANK,
            t("Rang de l’option, plan du séjour", "Rank of the option, plan of the stay"),
            t("n’agissent pas sur le statut", "do not bear on the status"),
            kind="favours",
        ),
    )


_SHORT = {"provisional": Text("éligible sous réserve", "eligible, checks pending")}


def _edges(views: Views, sources: list[Source], scores: Iterable[str], arguments: Counter[str]) -> list[Edge]:
    book = views.rulebook
    found: Counter[tuple[str, str]] = Counter()
    for score in scores:
        for item in items_read(book.scores[score], book.scores):
            found[f"section:{book.vocabulary[item].section}", f"score:{score}"] += 1
    for source in sources:
        for rule, kind, mode in source.rules:
            for section in {book.vocabulary[item].section for item in items_of_node(rule.when)}:
                found[f"section:{section}", source.id] += 1
            for score in scores_of_node(rule.when):
                found[f"score:{score}", source.id] += 1
            found[source.id, _argument(kind, mode)] += 1
    edges = [Edge(start, end, count) for (start, end), count in sorted(found.items())]
    return edges + list(_conclusions(sources, arguments))


def _conclusions(sources: list[Source], arguments: Counter[str]) -> Iterator[Edge]:
    """From arguments to statuses. A stay never bears on the status, only on the plan."""
    for kind, statuses in _LEADS.items():
        if arguments[kind]:
            yield from (Edge(kind, f"status:{status}", 2) for status in statuses)
            yield Edge(kind, f"status:{_OPEN[kind]}", 1, open=True)
    if arguments["indications"]:
        yield Edge("indications", "status:not_indicated", 2)
    if arguments["favours"]:
        yield Edge("favours", _RANK, 2)
    held = {(mode, kind) for source in sources for _, kind, mode in source.rules if mode in ("anaesthesia", "guidance")}
    for mode, kind in sorted(held, key=str):
        for status in _LEADS.get(kind, ()):
            yield Edge(f"mode:{mode}", f"status:{status}", 1)
    if arguments["mode:stay"]:
        yield Edge("mode:stay", _RANK, 1)


def _lines(views: Views, sources: list[Source]) -> Iterator[Line]:
    tell, book = views.tell, views.rulebook
    for source in sources:
        rules = [rule for rule, _, _ in source.rules]
        sections = dict.fromkeys(book.vocabulary[item].section for rule in rules for item in items_of_node(rule.when))
        counts = Counter(kind for _, kind, _ in source.rules)
        yield Line(
            source.text,
            source.link,
            len(rules),
            tuple(tell.say(book.vocabulary.sections[name]) for name in book.vocabulary.sections if name in sections),
            tuple(
                views.score_link(score)
                for score in dict.fromkeys(score for rule in rules for score in scores_of_node(rule.when))
            ),
            tuple((tell.say(words.ARGUMENTS[kind]), counts[kind]) for kind in KINDS if counts[kind]),
        )
