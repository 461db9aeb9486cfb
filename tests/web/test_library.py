"""GET: the rulebook and its words."""

import pytest


def test_rulebook(client, rulebook):
    response = client.get("/v1/rulebook")
    told = response.json
    assert told["digest"] == rulebook.digest == response.headers["Indication-Rulebook-Digest"]
    assert told["counts"]["rules"] == len(rulebook.rules) == sum(told["counts"]["by_claim"].values())
    assert told["counts"]["unverified_rules"] == sum(not rule.evidence.verified for rule in rulebook.rules.values())
    assert {"fr", "en"} == told["label"].keys()


def test_rules(client, rulebook):
    told = client.get("/v1/rulebook/rules").json["rules"]
    assert [rule["id"] for rule in told] == sorted(rulebook.rules)


def test_rules_of_a_topic(client):
    told = client.get("/v1/rulebook/rules?topic=bleeding").json["rules"]
    assert told
    assert {rule["topic"] for rule in told} == {"bleeding"}


def test_rules_that_bear_on_a_technique(client):
    told = {rule["id"] for rule in client.get("/v1/rulebook/rules?technique=vertebroplasty").json["rules"]}
    # Its own, those of its traits, and those of its admissible anaesthesia.
    assert "bleeding.platelets-low" in told
    assert any(name.startswith("vertebroplasty.") for name in told)
    assert any(name.startswith("neuroleptanalgesia.") for name in told)
    assert not any(name.startswith("embolisation.") for name in told)
    both = client.get("/v1/rulebook/rules?technique=vertebroplasty&topic=bleeding").json["rules"]
    assert {rule["id"] for rule in both} == {name for name in told if name.startswith("bleeding.")}


def test_a_rule(client, rulebook):
    told = client.get("/v1/rulebook/rules/bleeding.platelets-low").json
    assert told["when"] == "blood.platelets < 50 G/L"
    assert told["severity"] == "absolute"
    assert told["because"].keys() == {"fr", "en"}
    assert told["correctable"]["recheck"] == "blood.platelets"
    assert told["items"] == ["blood.platelets"]
    assert "vertebroplasty" in told["techniques"]
    assert "embolisation" not in told["techniques"]
    assert all(source["citation"] for source in told["evidence"]["sources"])


def test_a_condition_is_told_as_written(client):
    told = client.get("/v1/rulebook/rules/bleeding.clotting-abnormal").json
    assert told["when"] == {"not": {"any": ["blood.inr <= site.inr_high_risk_limit", "blood.pt_activity >= 60 %"]}}


def test_an_item(client):
    told = client.get("/v1/vocabulary/blood.platelets").json
    assert (told["type"], told["unit"], told["scope"]) == ("number", "G/L", "patient")
    assert told["units"]["/uL"] == 0.001
    assert told["fresh_for_hours"] == 168
    assert told["codes"]["loinc"] == ["777-3", "26515-7"]


def test_the_vocabulary_is_whole(client, rulebook):
    told = client.get("/v1/vocabulary").json
    assert [item["id"] for item in told["items"]] == list(rulebook.vocabulary.items)
    assert {item["section"] for item in told["items"]} == {section["id"] for section in told["sections"]}


@pytest.mark.parametrize(
    ("address", "offered"),
    [
        ("/v1/rulebook/rules/bleeding.platlets-low", "bleeding.platelets-low"),
        ("/v1/vocabulary/platelets", "blood.platelets"),
        ("/v1/techniques/vertebroplastie", "vertebroplasty"),
        ("/v1/scores/sin", "sins"),
    ],
)
def test_unknown_names(client, is_problem, address, offered):
    assert f"«{offered}»" in is_problem(client.get(address, headers={"Accept-Language": "en"}), 404)["detail"]


@pytest.mark.parametrize("query", ["technique=vertebroplasti", "topic=bleding"])
def test_unknown_filters(client, is_problem, query):
    problem = is_problem(client.get(f"/v1/rulebook/rules?{query}", headers={"Accept-Language": "en"}), 400)
    assert "did you mean" in problem["errors"][0]["detail"]
