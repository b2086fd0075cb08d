import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadModel } from "@mulde/kge-models";
import { beforeAll, expect, test } from "vitest";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { splits, trained, type Triple, writeGraph } from "./_graph.js";

let model: string;

beforeAll(async () => {
  model = await trained(writeGraph());
});

function file(text: string): string {
  const path = join(temporary(), "triples.tsv");
  writeFileSync(path, text);
  return path;
}

test("score gives one score for each triple, in the file's order", async () => {
  const triples: Triple[] = [...splits.test.slice(0, 5), ["n3", "near", "n30"], splits.test[0]!];
  const path = file(triples.map((triple) => `${triple.join("\t")}\n`).join(""));
  const { scores } = await muldeJson<{ scores: number[] }>(["score", model, "--triples", path]);

  const saved = await loadModel(model);
  const ids = (names: readonly string[], column: 0 | 1 | 2): Int32Array =>
    Int32Array.from(triples, (triple) => names.indexOf(triple[column]));
  const expected = saved.model.score({
    heads: ids(saved.entities, 0),
    relations: ids(saved.relations, 1),
    tails: ids(saved.entities, 2),
    length: triples.length,
  });
  expect(scores).toEqual(Array.from(expected));
  expect(scores[6]).toBe(scores[0]);
  expect(scores[5]).toBeLessThan(Math.min(...scores.slice(0, 5)));
});

test("score reads columns in other orders", async () => {
  const [head, relation, tail] = splits.test[0]!;
  const straight = await muldeJson(["score", model, "--triples", file(`${head}\t${relation}\t${tail}\n`)]);
  const turned = file(`${relation};${tail};${head}\r\n`);
  expect(await muldeJson(["score", model, "--triples", turned, "--columns", "rth", "--delimiter", ";"])).toEqual(
    straight,
  );
});

test("score writes triples with their scores for people and pipes", async () => {
  const { stdout } = await mulde(["score", model, "--triples", file("n1\tplus1\tn2\n")]);
  expect(stdout).toMatch(/^n1\tplus1\tn2\t-?[\d.e-]+\n$/);
});

test("an unknown name is an error with file, line and the nearest name", async () => {
  const path = file("n1\tplus1\tn2\n\nn1\tplus3\tn4\nn1\tplu3\tn5\n");
  const { code, stdout } = await mulde(["score", model, "--triples", path, "--json"]);
  expect(code).toBe(1);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
  expect(error.code).toBe("CLI_UNKNOWN_NAME");
  expect(error.message).toBe(`${path}:4: the model knows no relation "plu3" among 4 names; did you mean "plus3"?`);
});

test("a malformed line is an error with file and line", async () => {
  const path = file("n1\tplus1\tn2\nn1 plus1 n2\n");
  const { code, stderr } = await mulde(["score", model, "--triples", path]);
  expect(code).toBe(1);
  expect(stderr).toContain(`${path}:2: `);
});
