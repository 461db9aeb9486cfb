// json-rules-engine: all rules in one engine, allowUndefinedFacts, one run for each patient.
"use strict";
const { Engine } = require("json-rules-engine");
const { drive } = require("./drive.js");

const OPERATORS = {
  "<": "lessThan", "<=": "lessThanInclusive", ">": "greaterThan", ">=": "greaterThanInclusive", "==": "equal", "!=": "notEqual",
};

function condition(c) {
  switch (c.kind) {
    case "every": return { all: c.parts.map(condition) };
    case "some": return { any: c.parts.map(condition) };
    case "negated": return { not: condition(c.part) };
    case "is": return { fact: c.field, operator: "equal", value: c.value };
    case "number": return { fact: c.field, operator: OPERATORS[c.operator], value: c.value };
    case "word": return { fact: c.field, operator: c.negated ? "notIn" : "in", value: c.words };
    case "holds": {
      const each = c.words.map((word) => ({ fact: c.field, operator: c.negated ? "doesNotContain" : "contains", value: word }));
      return c.negated ? { all: each } : { any: each };
    }
  }
  throw new Error(c.kind);
}

drive((rules) => {
  const engine = new Engine([], { allowUndefinedFacts: true });
  rules.forEach((rule, at) => {
    const top = condition(rule);
    const conditions = top.all || top.any || top.not ? top : { all: [top] };
    engine.addRule({ conditions, event: { type: String(at) } });
  });
  return {
    run: (record) => engine.run(record),
    read: (result) => {
      const answers = new Array(rules.length).fill("no");
      result.events.forEach((event) => { answers[Number(event.type)] = "yes"; });
      return answers;
    },
  };
});
