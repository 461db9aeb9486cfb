// Reads DMN files with dmn-moddle and decides them with feelin, for many patients in one run.
// Standard input: {models: {name: xml}, patients: {name: [{input: value}, …]}, expressions: [feel, …]}.
// Standard output: {models: {name: {warnings, unknown, same, decided: [{decision: value}, …]}}, expressions: [value, …]}.
// A decision is given only the inputs and decisions that its requirements name: a missing one shows as an error.
import { readFileSync } from "node:fs";
import { DmnModdle } from "dmn-moddle";
import { evaluate, unaryTest } from "feelin";

const moddle = new DmnModdle();

// Attributes that the DMN model does not have; moddle keeps them without a word.
const unknownAttributes = (element, found = []) => {
  for (const name of Object.keys(element.$attrs ?? {})) {
    if (!name.startsWith("xmlns")) found.push(`${element.$type} ${name}`);
  }
  for (const key of Object.keys(element)) {
    for (const child of [element[key]].flat()) {
      if (child?.$type && key !== "$parent") unknownAttributes(child, found);
    }
  }
  return found;
};

const value = (feel, context) => {
  const answer = evaluate(feel, context);
  if (answer.warnings.length > 0) throw new Error(`${feel}: ${answer.warnings.map((each) => each.message)}`);
  return answer.value;
};

const required = (decision) =>
  (decision.informationRequirement ?? []).map((each) => (each.requiredInput ?? each.requiredDecision).href.slice(1));

// A literal expression is compiled once, as a function of what the decision requires, however many techniques share it:
// parsing it for each patient would take ten times as long. The first patient is decided both ways.
const functions = new Map();
const literal = (text, names) => {
  const key = `${names}: ${text}`;
  if (!functions.has(key)) functions.set(key, asFunction(text, names));
  return functions.get(key);
};

const asFunction = (text, names) => {
  const compiled = evaluate(`function(${names.join(", ")}) ${text}`).value;
  let first = true;
  return (context) => {
    const answer = compiled.invoke(names.map((name) => context[name]));
    if (first) {
      const direct = value(text, Object.fromEntries(names.map((name) => [name, context[name]])));
      if (direct !== answer) throw new Error(`${text}: ${direct} directly, ${answer} as a function`);
      first = false;
    }
    return answer;
  };
};

const table = (logic, names) => {
  const compiled = literal(logic.input[0].inputExpression.text, names);
  return (context) => {
    const tested = compiled(context);
    // Hit policy FIRST.
    const row = logic.rule.find((each) => unaryTest(each.inputEntry[0].text, { "?": tested }).value === true);
    return value(row.outputEntry[0].text, {});
  };
};

const compiled = (definitions) => {
  const elements = Object.fromEntries(definitions.drgElement.map((each) => [each.id, each]));
  const decisions = {};
  for (const element of definitions.drgElement) {
    if (element.$type !== "dmn:Decision") continue;
    const needs = required(element).map((id) => elements[id]);
    const names = needs.map((each) => each.variable.name);
    const logic = element.decisionLogic;
    const decide = logic.$type === "dmn:DecisionTable" ? table(logic, names) : literal(logic.text, names);
    decisions[element.variable.name] = { decide, needs: needs.filter((each) => each.$type === "dmn:Decision") };
  }
  return decisions;
};

const decided = (decisions, inputs) => {
  const known = { ...inputs };
  const settle = (name) => {
    if (name in known) return;
    for (const need of decisions[name].needs) settle(need.variable.name);
    known[name] = decisions[name].decide(known);
  };
  Object.keys(decisions).forEach(settle);
  return Object.fromEntries(Object.keys(decisions).map((name) => [name, known[name]]));
};

const asked = JSON.parse(readFileSync(0, "utf8"));
const models = {};
for (const [name, xml] of Object.entries(asked.models)) {
  const { rootElement, warnings } = await moddle.fromXML(xml);
  const written = (await moddle.toXML(rootElement, { format: true })).xml;
  const again = await moddle.fromXML(written);
  const decisions = compiled(rootElement);
  models[name] = {
    warnings: [...warnings, ...again.warnings].map((each) => each.message),
    unknown: unknownAttributes(rootElement),
    same: written === (await moddle.toXML(again.rootElement, { format: true })).xml,
    written,
    decided: (asked.patients[name] ?? []).map((inputs) => decided(decisions, inputs)),
  };
}
const expressions = (asked.expressions ?? []).map((feel) => value(feel, {}));
process.stdout.write(JSON.stringify({ models, expressions }));
