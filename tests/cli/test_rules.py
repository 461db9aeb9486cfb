"""`flask rules` and `flask vocabulary`."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from flask import Flask

from service.cli.vocabulary import in_full
from service.referral.schema import ReferralReader
from service.rulebook.schema import kind_of
from service.rulebook.source import read


@pytest.fixture
def run(app: Flask, root: Path, monkeypatch):
    """Runs a `flask` command in the project's folder; gives exit code, output and errors."""
    monkeypatch.chdir(root)

    def run(*arguments):
        result = app.test_cli_runner().invoke(args=[*map(str, arguments)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def rules(root, tmp_path):
    """A copy of the rules, to be spoiled."""
    shutil.copytree(root / "rules", tmp_path / "rules")
    return tmp_path / "rules"


def spoil(path: Path, good: str, bad: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert good in text
    path.write_text(text.replace(good, bad, 1), encoding="utf-8")


def test_check_of_good_rules(run, rulebook):
    code, output, errors = run("rules", "check")
    assert code == 0
    # A slow machine is told how far it is.
    assert all(line.startswith("checking ") for line in errors.splitlines())
    assert output.startswith("rules: good.")
    assert rulebook.digest[:12] in output
    assert f"{len(rulebook.rules)} rules" in output


def test_check_lists_every_mistake_at_once(run, rules):
    spoil(rules / "safety" / "bleeding.yaml", "blood.platelets < 50 G/L", "blood.platlets < 50 G/L")
    spoil(rules / "scores" / "bmi.yaml", "score: bmi", "score: BMI!")
    (rules / "session.yaml").unlink()
    code, output, errors = run("rules", "check", rules)
    assert (code, output) == (1, "")
    for said in (
        f"{rules}/safety/bleeding.yaml:",
        "did you mean «blood.platelets»?",
        f"{rules}/scores/bmi.yaml:",
        f"{rules}/session.yaml:1:1: this file is missing",
        "these rules cannot serve",
    ):
        assert said in errors


def test_check_tells_a_fault_with_its_place_and_how_to_mend_it(run, rules):
    spoil(rules / "safety" / "bleeding.yaml", "blood.platelets < 50 G/L", "blood.platelets < 5 G/L")
    line = 1 + (rules / "safety" / "bleeding.yaml").read_text(encoding="utf-8").split("au moins 50 G/L")[0].count("\n")
    code, output, errors = run("rules", "check", rules)
    assert (code, output) == (1, "")
    for said in (
        f"{rules}/safety/bleeding.yaml:{line}: bleeding.platelets-low: the sentence says 50 G/L",
        "[figure-and-limit]",
        "  figure-and-limit: Check the figure against the source",
    ):
        assert said in errors
    assert errors.rstrip().endswith(" faults")
    assert "[source-uncited]" not in errors


def test_check_tells_a_notice_and_is_content(run, rules):
    text = (rules / "sources.yaml").read_text(encoding="utf-8")
    idle = 'IDLE: {citation: "A paper that nothing cites", seen: abstract}\n'
    (rules / "sources.yaml").write_text(text + idle, encoding="utf-8")
    code, output, _ = run("rules", "check", rules)
    assert code == 0
    assert "notices, to be looked at:" in output
    assert "IDLE [source-uncited]" in output
    code, output, errors = run("rules", "check", "--strict", rules)
    assert (code, output) == (1, "")
    assert "IDLE [source-uncited]" in errors


def test_check_as_json(run, rules, rulebook):
    code, output, _ = run("rules", "check", "--json")
    told = json.loads(output)
    assert (code, told["rules"], told["digest"], told["mistakes"]) == (0, "rules", rulebook.digest, [])
    assert {each["grade"] for each in told["findings"]} <= {"notice"}
    spoil(rules / "safety" / "bleeding.yaml", "blood.platelets < 50 G/L", "blood.platelets < 5 G/L")
    code, output, _ = run("rules", "check", "--json", rules)
    fault = next(each for each in json.loads(output)["findings"] if each["lint"] == "figure-and-limit")
    assert (code, fault["file"], fault["grade"]) == (1, "safety/bleeding.yaml", "fault")
    assert fault["line"] > 1
    assert fault["mend"]
    spoil(rules / "safety" / "bleeding.yaml", "blood.platelets < 5 G/L", "blood.platelet < 5 G/L")
    code, output, _ = run("rules", "check", "--json", rules)
    told = json.loads(output)
    assert (code, told["digest"], told["findings"]) == (1, None, [])
    assert "unknown item «blood.platelet»" in told["mistakes"][0]


def test_check_of_no_rules(run, tmp_path):
    assert run("rules", "check", tmp_path / "none")[2].startswith(f"{tmp_path}/none:1:1: no such directory\n")


def test_show(run, rulebook):
    code, output, _ = run("rules", "show", "bleeding.platelets-low")
    rule = rulebook.rules["bleeding.platelets-low"]
    assert code == 0
    for said in (
        f"rules/{rule.file}:{rule.line}",
        "blood.platelets < 50 G/L",
        rule.because.fr,
        rule.because.en,
        "PATEL19-SUM",
    ):
        assert said in output


@pytest.mark.parametrize("name", ["alert.sepsis", "vertebroplasty.painful-lytic-vertebra", "general.fasting-solid"])
def test_show_of_other_kinds(run, rulebook, name):
    name = (
        name if name in rulebook.rules else next(each for each in rulebook.rules if each.startswith(name.split(".")[0]))
    )
    code, output, errors = run("rules", "show", name)
    assert (code, errors) == (0, "")
    assert output.startswith(name)


def test_show_of_an_unknown_rule(run):
    code, output, errors = run("rules", "show", "bleeding.platlets-low")
    assert (code, output) == (1, "")
    assert "did you mean «bleeding.platelets-low»?" in errors


def test_list(run, rulebook):
    assert run("rules", "list")[1].count("\n") == len(rulebook.rules)
    of_topic = run("rules", "list", "--topic", "bleeding")[1]
    assert all(line.startswith("bleeding.") for line in of_topic.splitlines())
    assert "bleeding.platelets-low" in run("rules", "list", "--technique", "vertebroplasty")[1]
    assert run("rules", "list", "--technique", "vertebroplastie")[0] == 1


def test_schemas_fit_the_rules(run, root, tmp_path):
    out = tmp_path / "schemas"
    code, output, _ = run("rules", "schema", "--out", out)
    assert code == 0
    mapping = json.loads(output)["yaml.schemas"]
    mapped = 0
    for schema, patterns in mapping.items():
        read_schema = json.loads(Path(schema).read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(read_schema)
        for pattern in patterns if isinstance(patterns, list) else [patterns]:
            for path in root.glob(pattern):
                name = path.relative_to(root / "rules").as_posix()
                assert schema.endswith(f"/{kind_of(name)}.schema.json")
                jsonschema.validate(read(path, name)[0].data, read_schema)
                mapped += 1
    assert mapped == len(list((root / "rules").rglob("*.yaml")))


def test_schemas_know_the_words(run):
    code, output, _ = run("rules", "schema")
    assert code == 0
    assert "vertebroplasty" in json.loads(output)["topic"]["$defs"]["techniques"]["anyOf"][0]["enum"]


def test_schemas_of_rules_that_do_not_load(run, rules):
    (rules / "session.yaml").unlink()
    code, output, errors = run("rules", "schema", "--rules", rules)
    assert code == 0
    assert json.loads(output)
    assert "flask rules check" in errors


def test_vocabulary(run, rulebook):
    code, output, _ = run("vocabulary")
    assert code == 0
    for item in rulebook.vocabulary:
        assert f"  {item.id} " in output
    assert "Bilan sanguin" in output
    assert "Blood tests" in run("vocabulary", "--lang", "en")[1]


def test_an_item(run, rulebook):
    code, output, errors = run("vocabulary", "blood.platelets")
    assert (code, errors) == (0, "")
    assert output == "\n".join(in_full(rulebook.vocabulary["blood.platelets"])) + "\n"


def test_examples_can_be_sent(rulebook):
    """Each item is told with an example that a referral may hold."""
    reader = ReferralReader(rulebook.vocabulary)
    for name, item in rulebook.vocabulary.items.items():
        example = json.loads("{" + in_full(item)[-1].partition("in a referral: ")[2] + "}")
        assert example.keys() == {name}
        patient, lesion = (example, {}) if item.scope == "patient" else ({}, example)
        reader.read({"recorded_at": "2026-11-23", "patient": patient, "lesions": [{"id": "a", **lesion}]})


def test_an_unknown_item(run):
    code, output, errors = run("vocabulary", "platelets")
    assert (code, output) == (1, "")
    assert "did you mean «blood.platelets»?" in errors


def test_help(run):
    for command in (
        ["rules"],
        ["rules", "check"],
        ["rules", "show"],
        ["rules", "list"],
        ["rules", "schema"],
        ["vocabulary"],
    ):
        code, output, _ = run(*command, "--help")
        assert code == 0
        assert "Example" in output
        assert f"flask {' '.join(command)}" in output
