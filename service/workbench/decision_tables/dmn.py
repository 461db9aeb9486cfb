"""A technique's criteria as a DMN 1.3 file: a decision for each rule, a decision table for each kind of argument."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from service.language.tree import Compare, leaves
from service.language.vocabulary import Text
from service.rulebook.model import CERTAINTIES, BoundRule, Rule, Rulebook
from service.tell.words import CERTAINTY, VERDICT
from service.workbench.decision_tables.feel import Feel, Input, Type, named

_MODEL = {
    "xmlns": "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "xmlns:dmndi": "https://www.omg.org/spec/DMN/20191111/DMNDI/",
    "xmlns:dc": "http://www.omg.org/spec/DMN/20180521/DC/",
    "xmlns:di": "http://www.omg.org/spec/DMN/20180521/DI/",
}
_VERDICT = Type("tVerdict", "string", '"yes","no","unknown"')

#: kinds of argument, as `Arguments` names them, with the question that each table answers
KINDS = {
    "alerts": Text("Une alerte passe-t-elle avant tout ?", "Does an alert come first?"),
    "excluding": Text("Une contre-indication que rien ne corrige ?", "A contraindication that nothing corrects?"),
    "deferring": Text("Une contre-indication à corriger d’abord ?", "A contraindication to be corrected first?"),
    "indications": Text("La technique est-elle indiquée ?", "Is the technique indicated?"),
    "favours": Text("Un argument la fait-il préférer ?", "Does an argument make it preferable?"),
    "cautions": Text("Faut-il des précautions ?", "Are precautions needed?"),
}

#: the picture: sizes and gaps of its boxes
_WIDTH, _HEIGHT, _GAP, _IN_ROW = 200, 60, 40, 8


@dataclass(frozen=True, slots=True)
class _Box:
    """One element of the diagram and the elements it needs."""

    id: str
    needs: tuple[str, ...] = ()


def dmn(book: Rulebook, technique: str, *, own: bool = False) -> str:
    """The DMN file of a technique: every rule that bears on it, or with `own` only those of its own file.

    Raises KeyError on a technique that is not there.
    """
    feel = Feel(book)
    dossier = book.dossiers[technique]
    root = Xml.Element("definitions", {**_MODEL, "id": f"indication_{technique}", "name": technique})
    root.set("label", _label(dossier.technique.label))
    root.set("namespace", f"urn:indication:{book.info.name}:{book.info.version}:{technique}")
    root.set("exporter", "Indication")
    root.set("exporterVersion", book.info.version)
    kinds: list[tuple[str, list[BoundRule]]] = []
    for kind in KINDS:
        bound = [book.bound[place] for place in getattr(dossier.own, kind)]
        kinds.append((kind, [each for each in bound if not own or each.rule.topic == technique]))
    rules = {each.rule.id: each for _, bound in kinds for each in bound}
    names = _names(rules)
    decisions = [_decision(book, each, names[each.rule.id], *feel.of(each.when)) for each in rules.values()]
    tables = [_table(kind, [names[each.rule.id] for each in bound]) for kind, bound in kinds]
    _child(root, "description", _description(book, technique, feel, own=own))
    for of in (_VERDICT, *feel.types.values()):
        root.append(_item_definition(of))
    root.extend(element for element, _ in tables)
    root.extend(element for element, _ in decisions)
    root.extend(_input(asked) for asked in feel.inputs.values())
    rows = (
        [box for _, box in tables],
        [box for _, box in decisions],
        [_Box(f"input_{name}") for name in feel.inputs],
    )
    root.append(_diagram(rows))
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _names(rules: dict[str, BoundRule]) -> dict[str, str]:
    """A name for each rule, which FEEL takes for one. Raises ValueError when two rules would have the same."""
    names = {rule: f"rule_{named(rule)}" for rule in rules}
    if len(set(names.values())) < len(names):
        raise ValueError("two rules would have the same name in DMN: rename one of them")
    return names


# ---- what is decided -------------------------------------------------------------------------------------------------


def _decision(
    book: Rulebook, bound: BoundRule, name: str, expression: str, inputs: Sequence[str]
) -> tuple[Xml.Element, _Box]:
    """Whether a rule holds: true, false, or null when that is unknown."""
    rule = bound.rule
    decision = _named("decision", f"decision_{name}", name, rule.because)
    _child(decision, "description", _about(book, rule))
    _child(decision, "variable", id=f"variable_{name}", name=name, typeRef="boolean")
    _requirements(decision, name, "requiredInput", [f"input_{asked}" for asked in inputs])
    _text(_child(decision, "literalExpression", id=f"expression_{name}", typeRef="boolean"), expression)
    return decision, _Box(f"decision_{name}", tuple(f"input_{asked}" for asked in inputs))


def _table(kind: str, rules: Sequence[str]) -> tuple[Xml.Element, _Box]:
    """Whether any rule of a kind holds, in words. The rows are read from the top: what is neither true nor false is unknown."""
    decision = _named("decision", f"decision_{kind}", kind, KINDS[kind])
    _child(decision, "question", _label(KINDS[kind]))
    _child(decision, "allowedAnswers", "yes, no, unknown")
    _child(decision, "variable", id=f"variable_{kind}", name=kind, typeRef=_VERDICT.name)
    _requirements(decision, kind, "requiredDecision", [f"decision_{name}" for name in rules])
    table = _child(decision, "decisionTable", id=f"table_{kind}", hitPolicy="FIRST", outputLabel=kind)
    clause = _child(
        table, "input", id=f"input_{kind}_clause", label="une de ces règles tient / one of these rules holds"
    )
    expression = " or ".join(rules) or "false"
    _text(_child(clause, "inputExpression", id=f"input_{kind}_expression", typeRef="boolean"), expression)
    output = _child(table, "output", id=f"output_{kind}", name=kind, typeRef=_VERDICT.name)
    _text(_child(output, "outputValues", id=f"output_{kind}_values"), _VERDICT.allowed or "")
    _child(table, "annotation", name="en français")
    for test, answer in (("true", "yes"), ("false", "no"), ("-", "unknown")):
        row = _child(table, "rule", id=f"row_{kind}_{answer}")
        _text(_child(row, "inputEntry", id=f"row_{kind}_{answer}_if"), test)
        _text(_child(row, "outputEntry", id=f"row_{kind}_{answer}_then"), f'"{answer}"')
        _text(_child(row, "annotationEntry"), VERDICT[answer].fr)
    return decision, _Box(f"decision_{kind}", tuple(f"decision_{name}" for name in rules))


def _requirements(decision: Xml.Element, name: str, kind: str, needs: Sequence[str]) -> None:
    for needed in needs:
        requirement = _child(decision, "informationRequirement", id=_requirement(f"decision_{name}", needed))
        _child(requirement, kind, href=f"#{needed}")


def _requirement(of: str, needed: str) -> str:
    return f"{of}_needs_{needed}"


def _input(asked: Input) -> Xml.Element:
    data = _named("inputData", f"input_{asked.name}", asked.name, asked.label)
    about = [asked.label, asked.about, *([asked.stands_for] if asked.stands_for else [])]
    _child(
        data,
        "description",
        "\n".join(". ".join(text.in_(language) for text in about if text.fr) for language in ("fr", "en")),
    )
    _child(data, "variable", id=f"variable_{asked.name}", name=asked.name, typeRef=asked.type)
    return data


def _item_definition(of: Type) -> Xml.Element:
    definition = Xml.Element("itemDefinition", {"id": f"type_{of.name}", "name": of.name})
    if not of.components:
        _child(definition, "typeRef", of.base)
        _allowed(definition, f"type_{of.name}", of.allowed)
    for name, kind, several, allowed in of.components:
        more = {"isCollection": "true"} if several else {}
        component = _child(definition, "itemComponent", id=f"type_{of.name}_{name}", name=name, **more)
        _child(component, "typeRef", kind)
        _allowed(component, f"type_{of.name}_{name}", allowed)
    return definition


def _allowed(parent: Xml.Element, name: str, values: str | None) -> None:
    if values is not None:
        _text(_child(parent, "allowedValues", id=f"{name}_values"), values)


# ---- words -----------------------------------------------------------------------------------------------------------


def _about(book: Rulebook, rule: Rule) -> str:
    evidence = rule.evidence
    claim = " ".join(filter(None, (rule.claim, "absolute" if rule.absolute else "", rule.strength)))
    certainty = CERTAINTY[CERTAINTIES.index(evidence.certainty)]
    told = [
        f"{rule.id} ({rule.file}): {claim}",
        rule.because.fr,
        rule.because.en,
        f"{certainty.fr} / {certainty.en}: {', '.join(evidence.sources)}",
    ]
    if not evidence.verified:
        told.append("Chiffre non vérifié à la source. / Not checked against its source.")
    read = [leaf.setting for leaf in leaves(rule.when) if isinstance(leaf, Compare) and leaf.setting]
    settings = sorted(set(read))
    told += [
        f"site.{name} = {book.settings[name].value:g} {book.settings[name].unit or ''}".strip() for name in settings
    ]
    return "\n".join(told)


def _description(book: Rulebook, technique: str, feel: Feel, *, own: bool) -> str:
    info = book.info
    asked = [each for each in feel.inputs.values() if each.stands_for]
    scope = (
        Text(
            "Seules les règles du fichier de la technique : les règles communes (allergie, hémostase …) n’y sont PAS.",
            "Only the rules of the technique's own file: the common rules (allergy, bleeding …) are NOT in it.",
        )
        if own
        else Text(
            "Toutes les règles qui portent sur la technique, règles communes comprises ; celles de l’anesthésie, du guidage "
            "et du séjour n’y sont pas.",
            "Every rule that bears on the technique, the common ones too; those of anaesthesia, guidance and stay are not in it.",
        )
    )
    told = []
    for language in ("fr", "en"):
        french = language == "fr"
        told += [
            f"{book.techniques[technique].label.in_(language)}. {info.notice.in_(language)}",
            f"{info.name} {info.version} ({info.status}), {book.digest}",
            scope.in_(language),
            "Inconnu s’écrit null et n’est jamais un « non » : and, or, not suivent la logique de Kleene. Une valeur trop "
            "ancienne, non plausible ou absente se donne comme null."
            if french
            else "Unknown is written null and is never a “no”: and, or, not follow Kleene's logic. A value that is too old, "
            "not plausible or absent is given as null.",
            "Les listes disent ce qui y est (present), ce qui n’y est pas (absent) et si elles sont complètes (complete)."
            if french
            else "Lists say what is in them (present), what is not (absent) and whether they are complete.",
            "Le statut de l’option et le classement ne sont pas exprimés : ils dépendent de ce qu’il reste à demander."
            if french
            else "The status of the option and the ranking are not expressed: they depend on what remains to be asked.",
            "Non calculé ici, à fournir comme entrée :" if french else "Not computed here, to be given as an input:",
            *(
                f"- {each.name}: {each.label.in_(language)}: {each.stands_for.in_(language)}"
                for each in asked
                if each.stands_for
            ),
            *(["- rien" if french else "- nothing"] if not asked else []),
        ]
    return "\n".join(told)


def _label(text: Text) -> str:
    return f"{text.fr} / {text.en}"


# ---- the picture -----------------------------------------------------------------------------------------------------


def _diagram(rows: Sequence[Sequence[_Box]]) -> Xml.Element:
    """Where each box stands: tables above, rules below them, inputs at the bottom; and an arrow for each need."""
    places = dict(_placed(rows))
    interchange = Xml.Element("dmndi:DMNDI")
    diagram = _child(interchange, "dmndi:DMNDiagram", id="diagram")
    for box, (x, y) in places.items():
        shape = _child(diagram, "dmndi:DMNShape", id=f"shape_{box}", dmnElementRef=box)
        _child(shape, "dc:Bounds", x=str(x), y=str(y), width=str(_WIDTH), height=str(_HEIGHT))
    for each in (each for row in rows for each in row):
        for needed in each.needs:
            requirement = _requirement(each.id, needed)
            edge = _child(diagram, "dmndi:DMNEdge", id=f"edge_{requirement}", dmnElementRef=requirement)
            (from_x, from_y), (to_x, to_y) = places[needed], places[each.id]
            _child(edge, "di:waypoint", x=str(from_x + _WIDTH // 2), y=str(from_y))
            _child(edge, "di:waypoint", x=str(to_x + _WIDTH // 2), y=str(to_y + _HEIGHT))
    return interchange


def _placed(rows: Sequence[Sequence[_Box]]) -> Iterator[tuple[str, tuple[int, int]]]:
    top = _GAP
    for boxes in rows:
        for at, box in enumerate(boxes):
            down, across = divmod(at, _IN_ROW)
            yield box.id, (_GAP + across * (_WIDTH + _GAP), top + down * (_HEIGHT + _GAP))
        top += (1 + max(len(boxes) - 1, 0) // _IN_ROW) * (_HEIGHT + _GAP) + 2 * _GAP


# ---- elements --------------------------------------------------------------------------------------------------------


def _child(parent: Xml.Element, tag: str, text: str | None = None, /, **attributes: str) -> Xml.Element:
    element = Xml.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _text(parent: Xml.Element, text: str) -> None:
    _child(parent, "text", text)


def _named(tag: str, name: str, shown: str, label: Text) -> Xml.Element:
    return Xml.Element(tag, {"id": name, "name": shown, "label": _label(label)})
