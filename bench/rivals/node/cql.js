// cql-execution: one library in ELM, one definition for each rule, the patient as a parameter.
"use strict";
const cql = require("cql-execution");
const { drive } = require("./drive.js");

const COMPARISONS = { "<": "Less", "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual", "==": "Equal" };
const field = (name) => ({ type: "Property", path: name, source: { type: "ParameterRef", name: "P" } });
const number = (value) => ({ type: "Literal", valueType: "{urn:hl7-org:elm-types:r1}Decimal", value: String(value) });
const word = (value) => ({ type: "Literal", valueType: "{urn:hl7-org:elm-types:r1}String", value });
const list = (words) => ({ type: "List", element: words.map(word) });
const not = (operand) => ({ type: "Not", operand });
const chain = (type, operands) => operands.reduce((left, right) => ({ type, operand: [left, right] }));

function expression(c) {
  switch (c.kind) {
    case "every": return chain("And", c.parts.map(expression));
    case "some": return chain("Or", c.parts.map(expression));
    case "negated": return not(expression(c.part));
    case "is": return c.value ? field(c.field) : not(field(c.field));
    case "number": {
      if (c.operator === "!=") return not({ type: "Equal", operand: [field(c.field), number(c.value)] });
      return { type: COMPARISONS[c.operator], operand: [field(c.field), number(c.value)] };
    }
    case "word": {
      const held = c.words.length === 1
        ? { type: "Equal", operand: [field(c.field), word(c.words[0])] }
        : { type: "In", operand: [field(c.field), list(c.words)] };
      return c.negated ? not(held) : held;
    }
    case "holds": {
      const held = c.words.length === 1
        ? { type: "In", operand: [word(c.words[0]), field(c.field)] }
        : { type: "Exists", operand: { type: "Intersect", operand: [field(c.field), list(c.words)] } };
      return c.negated ? not(held) : held;
    }
  }
  throw new Error(c.kind);
}

drive((rules) => {
  const library = new cql.Library({
    library: {
      identifier: { id: "Rules", version: "1" },
      schemaIdentifier: { id: "urn:hl7-org:elm", version: "r1" },
      usings: { def: [{ localIdentifier: "System", uri: "urn:hl7-org:elm-types:r1" }] },
      parameters: { def: [{ name: "P", accessLevel: "Public" }] },
      statements: {
        def: rules.map((rule, at) => ({ name: `r${at}`, context: "Patient", accessLevel: "Public", expression: expression(rule) })),
      },
    },
  });
  const patient = { id: "1", getId: () => "1" };
  return {
    run: async (record) => {
      let left = 1;
      const source = { currentPatient: () => (left > 0 ? patient : undefined), nextPatient: () => { left -= 1; } };
      return new cql.Executor(library, undefined, { P: record }).exec(source);
    },
    read: (results) => {
      const found = results.patientResults["1"];
      return rules.map((_, at) => {
        const value = found[`r${at}`];
        return value === true ? "yes" : value === false ? "no" : value == null ? "unknown" : "error";
      });
    },
  };
});
