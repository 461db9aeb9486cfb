// Reads rules and patients from standard input, gives the engine's answers or the time it takes for them.
"use strict";
const fs = require("fs");

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

exports.drive = async (make) => {
  const { rules, records, rounds } = JSON.parse(fs.readFileSync(0, "utf8"));
  const engine = make(rules);
  const answers = [];
  for (const record of records) {
    try {
      answers.push(engine.read(await engine.run(record)));
    } catch (error) {
      answers.push(rules.map(() => "error"));
    }
  }
  const taken = [];
  for (let round = 0; round < rounds; round += 1) {
    const times = [];
    for (const record of records) {
      const start = process.hrtime.bigint();
      engine.read(await engine.run(record));
      times.push(Number(process.hrtime.bigint() - start) / 1000);
    }
    taken.push(median(times));
  }
  process.stdout.write(JSON.stringify({ answers, taken }));
};
