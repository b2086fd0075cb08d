// A long-lived process that runs cases of the fuzzer: reads "SEED" lines, answers each with a JSON line.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { MuldeError } from "@mulde/eval";
import { peak } from "../inputs/_hook.js";
import { makeTargets } from "./_targets.js";
import { randomOf } from "./_mutate.js";

const { root, fixtures } = JSON.parse(process.argv[2]);
const targets = await makeTargets(fixtures);
console.log(JSON.stringify({ ready: targets.map(({ name }) => name) }));

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await outcome(Number(line))));
}

async function outcome(seed) {
  const random = randomOf(seed);
  const target = targets[seed % targets.length];
  const input = target.make(random);
  const folder = mkdtempSync(join(root, "fuzz-"));
  const files = () =>
    readdirSync(root).length + readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".tmp")).length;
  const before = files();
  let said;
  try {
    await target.run(input, folder);
  } catch (error) {
    said = error;
  }
  const strays = files() - before;
  rmSync(folder, { recursive: true, force: true });
  const answer = { seed, target: target.name, code: said?.code, megabytes: Math.round(peak() / 1000) };
  if (strays > 0) return { ...answer, fault: `left ${strays} files`, input: shown(input) };
  if (said === undefined || (said instanceof MuldeError && /^[A-Z]+(_[A-Z0-9]+)+$/.test(said.code))) return answer;
  return { ...answer, fault: said instanceof Error ? said.stack.slice(0, 1500) : String(said), input: shown(input) };
}

function shown(input) {
  const text = (_key, value) => {
    if (value?.type === "Buffer") return Buffer.from(value.data).toString("latin1");
    return typeof value === "number" || ArrayBuffer.isView(value) ? String(value) : value;
  };
  try {
    return JSON.stringify(input, text)?.slice(0, 4000);
  } catch (error) {
    return String(error);
  }
}
