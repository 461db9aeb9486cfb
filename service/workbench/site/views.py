"""What the pages show of rules, techniques, scores and sources: plain data in one language; templates only lay it out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from service.language.scores import Score
from service.language.tree import Always, Node
from service.language.vocabulary import Item
from service.rulebook.bind import kind_of_argument
from service.rulebook.model import MODE_KINDS, Arguments, Evidence, Mode, Rule, Rulebook, Technique
from service.tell import words
from service.workbench.site.references import Cited, References, items_of_node, scores_of_node
from service.workbench.site.teller import Condition, Teller

#: how the folders of rule files are titled, in the order in which they are read
FOLDERS = ("alerts", "safety", "techniques", *MODE_KINDS)
#: the kinds of argument in the order of a decision: what is proposed, what stands against it, what is added
KINDS = ("indications", "alerts", "excluding", "deferring", "cautions", "favours")


@dataclass(frozen=True, slots=True)
class Link:
    """Another place of the site: `page` from the root of a language, `anchor` within it."""

    label: str
    page: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a claim rests on."""

    certainty: str
    verified: bool
    sources: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class RuleView:
    id: str
    link: Link
    #: the kind of argument, for the sign; `claim` is the word
    kind: str
    claim: str
    because: str
    condition: Condition
    consequence: str
    techniques: tuple[Link, ...]
    #: (name, action, within) of an alert
    alert: tuple[str, str, str] | None
    correction: tuple[str, ...]
    precaution: str
    proof: Proof
    file: str
    line: int
    items: tuple[Link, ...]
    scores: tuple[Link, ...]
    written: str
    #: (what it is, the other rule, the reason)
    declared: tuple[tuple[str, Link, str], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One criterion of a decision table: when, then what, why; `through` says by what a shared rule reaches the technique."""

    rule: RuleView
    condition: Condition
    through: str


@dataclass(frozen=True, slots=True)
class Group:
    kind: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ModeTable:
    link: Link
    preferred: int
    groups: tuple[Group, ...]


class Views:
    """Everything a page may show, told once per language."""

    def __init__(self, references: References, language: str) -> None:
        self.references = references
        self.rulebook: Rulebook = references.rulebook
        self.tell = Teller(self.rulebook, language)

    # ---- links ----

    def rule_link(self, name: str) -> Link:
        return Link(name, page_of(self.rulebook.rules[name].file), name)

    def technique_link(self, name: str) -> Link:
        return Link(self.tell.say(self.rulebook.techniques[name].label), f"techniques/{name}.html")

    def mode_link(self, mode: Mode) -> Link:
        return Link(self.tell.say(mode.label), "modes.html", f"{mode.kind}-{mode.id}")

    def item_link(self, name: str) -> Link:
        return Link(self.tell.item(name), "vocabulary.html", name)

    def score_link(self, name: str) -> Link:
        return Link(self.tell.say(self.rulebook.scores[name].label), "scores.html", name)

    def source_link(self, key: str) -> Link:
        return Link(key, "sources.html", key)

    def file_link(self, file: str) -> Link:
        return Link(self.tell.say(self.references.label(file)), page_of(file))

    # ---- rules ----

    @cached_property
    def rules(self) -> Mapping[str, RuleView]:
        return {name: self._rule(rule) for name, rule in sorted(self.rulebook.rules.items())}

    def _rule(self, rule: Rule) -> RuleView:
        tell = self.tell
        alert = None
        if rule.label and rule.action and rule.within is not None:
            alert = (tell.say(rule.label), tell.say(rule.action), tell.duration(rule.within))
        return RuleView(
            id=rule.id,
            link=self.rule_link(rule.id),
            kind=kind_of_argument(rule),
            claim=tell.claim(rule),
            because=tell.say(rule.because),
            condition=tell.condition(rule.when),
            consequence=tell.consequence(rule),
            techniques=tuple(map(self.technique_link, self.references.techniques_of.get(rule.id, ()))),
            alert=alert,
            correction=tuple(tell.correction(rule.correction)) if rule.correction else (),
            precaution=tell.say(rule.precaution) if rule.precaution else "",
            proof=self.proof(rule.evidence),
            file=rule.file,
            line=rule.line,
            items=tuple(map(self.item_link, items_of_node(rule.when))),
            scores=tuple(map(self.score_link, scores_of_node(rule.when))),
            written=self.references.written[rule.id],
            declared=tuple(self._declared(rule)),
        )

    def _declared(self, rule: Rule) -> Iterator[tuple[str, Link, str]]:
        say, t, references = self.tell.say, self.tell.t, self.references
        for lead, others in (
            (t("contredit exprès", "contradicts on purpose"), rule.overrides),
            (t("n’ajoute rien, exprès, à", "says nothing new, on purpose, beside"), rule.tolerates),
            (t("est contredite exprès par", "is contradicted on purpose by"), references.overridden.get(rule.id, {})),
            (t("rend superflue, exprès", "makes redundant, on purpose"), references.tolerated.get(rule.id, {})),
        ):
            for other, reason in others.items():
                yield lead, self.rule_link(other), say(reason)

    def proof(self, evidence: Evidence) -> Proof:
        return Proof(self.tell.certainty(evidence), evidence.verified, tuple(map(self.source_link, evidence.sources)))

    def of_file(self, file: str) -> list[RuleView]:
        return [self.rules[rule.id] for rule in self.references.rules_of.get(file, ())]

    # ---- techniques ----

    def decision_table(self, technique: Technique) -> list[Group]:
        """What bears on the technique itself, by what it leads to."""
        return self._groups(self.rulebook.dossiers[technique.id].own, technique)

    def mode_tables(self, technique: Technique) -> list[tuple[str, list[ModeTable]]]:
        """What bears on each admissible mode, by kind of mode, preferred first."""
        dossier = self.rulebook.dossiers[technique.id]
        return [
            (
                self.tell.say(words.KIND[kind]),
                [
                    ModeTable(
                        self.mode_link(self.rulebook.modes[(kind, mode)]),
                        at,
                        tuple(self._groups(dossier.modes[kind][mode], technique)),
                    )
                    for at, mode in enumerate(technique.modes[kind], start=1)
                ],
            )
            for kind in MODE_KINDS
            if technique.modes[kind]
        ]

    def _groups(self, arguments: Arguments, technique: Technique) -> list[Group]:
        found = []
        for kind in KINDS:
            rows = [self._row(place, technique) for place in getattr(arguments, kind)]
            rows.sort(key=lambda row: (row.through != "", row.through))
            if rows:
                found.append(Group(kind, self._title(kind), tuple(rows)))
        return found

    def _title(self, kind: str) -> str:
        t = self.tell.t
        return {
            "indications": t("Proposée quand (une seule suffit)", "Proposed when (one is enough)"),
            "alerts": t("Suspendue par une alerte quand", "Suspended by an alert when"),
            "excluding": t("Écartée quand", "Ruled out when"),
            "deferring": t("Différée, le temps de corriger, quand", "Deferred until corrected when"),
            "cautions": t("Possible avec une précaution quand", "Possible with a precaution when"),
            "favours": t("Mieux placée quand", "Better placed when"),
        }[kind]

    def _row(self, place: int, technique: Technique) -> Row:
        bound = self.rulebook.bound[place]
        rule = self.rules[bound.rule.id]
        condition = self.tell.condition(bound.when) if bound.technique else rule.condition
        return Row(rule, condition, self._through(bound.rule, technique))

    def _through(self, rule: Rule, technique: Technique) -> str:
        """Empty for the technique's own rules."""
        target = rule.target
        if target.traits:
            traits = [words.lower_first(self.tell.say(self.rulebook.traits[trait])) for trait in target.traits]
            return words.listed(traits, self.tell.language)
        if target.techniques and technique.id not in target.techniques:
            parts = [
                self.tell.say(self.rulebook.techniques[part].label)
                for part in technique.parts
                if part in target.techniques
            ]
            return self.tell.t("partie : ", "part: ") + words.lower_first(words.listed(parts, self.tell.language))
        return ""

    def position(self, technique: Technique) -> str:
        return self.tell.say(words.POSITION[technique.position])

    def traits(self, technique: Technique) -> list[str]:
        return sorted(self.tell.say(self.rulebook.traits[trait]) for trait in technique.traits)

    def parts(self, technique: Technique) -> list[Link]:
        return [self.technique_link(part) for part in technique.parts]

    def short(self, kind: str) -> str:
        """«précautions», as a count is introduced."""
        return self.tell.say(words.ARGUMENTS[kind])

    # ---- what evidence supports ----

    def cited(self, cited: Cited) -> tuple[str, Link, str]:
        """(what it is, where it stands, what it says)."""
        t, say, book = self.tell.t, self.tell.say, self.rulebook
        match cited.kind:
            case "rule":
                rule = book.rules[cited.name]
                return self.tell.claim(rule), self.rule_link(cited.name), say(rule.because)
            case "score":
                return t("score", "score"), self.score_link(cited.name), ""
            case "setting":
                label = self.references.files["site.yaml"][cited.name]["label"]
                return (
                    t("réglage du centre", "site setting"),
                    Link(cited.name, "checks.html", f"site-{cited.name}"),
                    t(label["fr"], label["en"]),
                )
            case "benefit":
                technique = book.techniques[cited.name]
                return (
                    t("bénéfice attendu", "expected benefit"),
                    Link(say(technique.label), f"techniques/{cited.name}.html", "benefit"),
                    self.tell.benefit(technique.benefits[cited.at]),
                )
            case "session":
                return (
                    t("séance", "session"),
                    Link(t("Nombre de sites par séance", "Sites in one session"), "order.html", "session"),
                    say(book.session.because),
                )

    def setting_proof(self, name: str) -> Proof:
        return self.proof(self.references.setting_evidence[name])

    # ---- scores and items ----

    def score_rows(self, score: Score) -> list[tuple[str, list[tuple[Condition | None, str]]]]:
        """Each component: its label, and (condition, points) row by row; None: otherwise."""
        found = []
        for component in score.components:
            rows: list[tuple[Condition | None, str]] = [
                (self.tell.condition(row.when), self.tell.formula(row.points)) for row in component.rows
            ]
            rows.append((None, self.tell.formula(component.otherwise)))
            found.append((self.tell.say(component.label), rows))
        return found

    def applies(self, score: Score) -> Condition | None:
        return None if isinstance(score.applies, Always) else self.tell.condition(score.applies)

    def when(self, node: Node | None) -> Condition | None:
        return None if node is None else self.tell.condition(node)

    def item_type(self, item: Item) -> str:
        t = self.tell.t
        return {
            "flag": t("oui ou non", "yes or no"),
            "choice": t("un mot", "one word"),
            "number": t("nombre", "number"),
            "set": t("liste", "list"),
            "moment": t("date", "date"),
        }[item.type]

    def spellings(self, item: Item) -> list[str]:
        return [spelling for spelling in item.units if spelling != item.unit]


def page_of(file: str) -> str:
    """The page of a file that holds rules."""
    return f"rules/{PurePosixPath(file).with_suffix('.html')}"
