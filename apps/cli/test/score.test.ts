import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
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

test.each([
  ["triples.tsv", "n1\tplus1\tn2\n\nn1\tplus3\tn4\nn1\tplu3\tn5\n", 4],
  ["triples.tsv.gz", "n1\tplus1\tn2\nn1\tplu3\tn5\n", 2],
])("an unknown name in %s is an error with file, line and the nearest name", async (name, text, line) => {
  const path = join(temporary(), name);
  writeFileSync(path, name.endsWith(".gz") ? gzipSync(text) : text);
  const { code, stdout } = await mulde(["score", model, "--triples", path, "--json"]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: "MODELS_UNKNOWN_NAME",
      message: `${path}:${line}, relation: The model has no relation "plu3"; did you mean "plus3"?`,
      file: path,
      line,
      path: ["relation"],
    },
  });
});

test("an unknown name in a file of RDF is an error with the triple's number", async () => {
  const path = join(temporary(), "triples.nt");
  writeFileSync(path, "<http://e.x/a> <http://e.x/b> <http://e.x/c> .\n");
  const { stderr } = await mulde(["score", model, "--triples", path]);
  expect(stderr).toContain(`${path}, triple 1.head: The model has no entity "http://e.x/a"`);
});

test("a malformed line is an error with file and line", async () => {
  const path = file("n1\tplus1\tn2\nn1 plus1 n2\n");
  const { code, stderr } = await mulde(["score", model, "--triples", path]);
  expect(code).toBe(1);
  expect(stderr).toContain(`${path}:2: `);
});
