import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKernels } from "@mulde/kernels";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type KnownFacts,
  MuldeError,
  NamedModel,
  type NamedTriple,
  openModel,
  type PredictOptions,
  type PredictQuery,
  saveModel,
  type TripleList,
} from "../src/index.js";
import "./_backends.js";
import { lively } from "./_passes.js";

const entities = ["Alba", "Bero", "Cira", "Dano", "Café", "New York", "likes"];
const relations = ["knows", "likes", "owns"];
const N = entities.length;
const R = relations.length;

let directory: string;
let named: NamedModel;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mulde-named-"));
  const model = await lively({ model: "RotH", dim: 6, entities: N, relations: R, curvature: "relation" });
  const training = { seed: 3 };
  await saveModel(model, directory, { entities, relations, dataset: { name: "toy", fingerprint: "abc" }, training });
  named = await openModel(directory);
});
afterAll(() => rm(directory, { recursive: true }));

/** Every triple that agrees with the query, scored in the direction of the query, best first. */
function bruteForce({ head, relation, tail }: PredictQuery): { names: NamedTriple; score: number }[] {
  const found: { names: NamedTriple; score: number }[] = [];
  for (const [h, headName] of entities.entries()) {
    for (const [r, relationName] of relations.entries()) {
      for (const [t, tailName] of entities.entries()) {
        if ((head ?? headName) !== headName || (relation ?? relationName) !== relationName) continue;
        if ((tail ?? tailName) !== tailName) continue;
        const [from, by, to] = head === undefined ? [t, r + R, h] : [h, r, t];
        const [score] = named.model.score({
          heads: Int32Array.of(from),
          relations: Int32Array.of(by),
          tails: Int32Array.of(to),
          length: 1,
        });
        found.push({ names: [headName, relationName, tailName], score: score! });
      }
    }
  }
  return found.sort((a, b) => b.score - a.score);
}

const triplesOf = (query: PredictQuery, options?: PredictOptions): NamedTriple[] =>
  named.predict(query, options).map(({ head, relation, tail }): NamedTriple => [head, relation, tail]);

function thrown(run: () => unknown): MuldeError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(MuldeError);
    return error as MuldeError;
  }
  throw new Error("nothing was thrown");
}

describe("openModel", () => {
  it("gives the model with its names, data set and training", async () => {
    expect([...named.entities]).toEqual(entities);
    expect(named.relations.names).toEqual(relations);
    expect([named.entities.size, named.relations.size]).toEqual([N, R]);
    expect(named.dataset).toEqual({ name: "toy", fingerprint: "abc" });
    expect(named.training).toEqual({ seed: 3 });
    const kernels = await createKernels({ engine: "wasm", threads: 1 });
    const other = await openModel(directory, { kernels });
    expect(other.model.kernels).toBe(kernels);
    other.dispose();
    await kernels.engine.close();
  });

  it("is the opposite of save", async () => {
    const copy = join(directory, "copy");
    await named.save(copy);
    using again = await openModel(copy);
    expect(await readdir(copy)).toHaveLength(4);
    expect([...again.entities]).toEqual(entities);
    expect([again.dataset, again.training]).toEqual([named.dataset, named.training]);
    expect(again.predict({ head: "Alba", relation: "knows" })).toEqual(
      named.predict({ head: "Alba", relation: "knows" }),
    );
    // Without data set and training, there are none afterwards.
    await new NamedModel(named.model, { entities, relations }).save(copy);
    const bare = await openModel(copy);
    expect([bare.dataset, bare.training]).toEqual([undefined, undefined]);
  });

  it("gives names only to a model of as many entities and relations", () => {
    expect(thrown(() => new NamedModel(named.model, { entities: ["a"], relations }))).toMatchObject({
      code: "MODELS_NAMES",
      path: ["entities"],
    });
  });

  const data = { name: "toy", fingerprint: "abc", entities: { names: entities }, relations: { names: relations } };
  it("accepts the data set that the model was trained on", async () => {
    expect((await openModel(directory, { data })).entities.size).toBe(N);
  });

  it.each<[string, object, RegExp]>([
    [
      "another fingerprint",
      { name: "other", fingerprint: "f".repeat(64) },
      /was trained on toy \(fingerprint abc\), but the data given is other \(fingerprint f{12}\)/,
    ],
    [
      "more entities",
      { entities: { names: [...entities, "more"] } },
      /has 7 entities and 3 relations, but toy has 8 and 3/,
    ],
    ["fewer relations", { relations: { names: ["knows"] } }, /but toy has 7 and 1; use the data set/],
  ])("refuses data of %s", async (_, change, message) => {
    const error: unknown = await openModel(directory, { data: { ...data, ...change }, what: "The teacher" }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ name: "MuldeError", code: "MODELS_FOREIGN_DATA" });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message.startsWith(`The teacher ${directory} `)).toBe(true);
  });

  it("compares names where the model has no fingerprint", async () => {
    const bare = join(directory, "bare");
    await new NamedModel(named.model, { entities, relations }).save(bare);
    const other = { ...data, fingerprint: "other" };
    expect((await openModel(bare, { data: other })).entities.size).toBe(N);
    const swapped = { names: ["likes", "knows", "owns"] };
    await expect(openModel(bare, { data: { ...other, relations: swapped } })).rejects.toThrow(
      /The model .*bare has "knows" where toy has another name/,
    );
  });
});

describe("predict", () => {
  it.each<[string, PredictQuery]>([
    ["the tails of a head and a relation", { head: "Bero", relation: "likes" }],
    ["the heads of a relation and a tail", { relation: "owns", tail: "Café" }],
    ["the relations between two entities", { head: "Cira", tail: "Alba" }],
    ["the best triples of a head", { head: "Dano" }],
    ["the best triples of a tail", { tail: "New York" }],
    ["what is given as undefined", { head: "Dano", relation: undefined, tail: undefined }],
  ])("gives %s, best first, as all scores have them", (_, query) => {
    const all = bruteForce(query);
    for (const top of [1, 4, 1000]) {
      const found = named.predict(query, { top });
      expect(found.map(({ head, relation, tail }) => [head, relation, tail])).toEqual(
        all.slice(0, top).map(({ names }) => names),
      );
      found.forEach(({ score, ...rest }, i) => {
        expect(score).toBeCloseTo(all[i]!.score, 4);
        expect(rest).not.toHaveProperty("known");
      });
    }
    expect(named.predict(query)).toHaveLength(Math.min(10, all.length));
  });

  it("goes through more relations than one block of queries has", async () => {
    const many = Array.from({ length: 700 }, (_, r) => `r${r}`);
    const model = await lively({ model: "TransE", dim: 4, entities: N, relations: 700 });
    const wide = new NamedModel(model, { entities, relations: many });
    const all = model.scoreAll({
      heads: new Int32Array(700).fill(2),
      relations: Int32Array.from({ length: 700 }, (_, r) => r),
    });
    const best = wide.predict({ head: "Cira" }, { top: 25 });
    expect(best.map(({ score }) => score)).toEqual([...all].sort((a, b) => b - a).slice(0, 25));
    for (const { relation, tail, score } of best) {
      expect(all[many.indexOf(relation) * N + entities.indexOf(tail)]).toBe(score);
    }
  });

  const columns = (...triples: (readonly [number, number, number])[]): TripleList => ({
    heads: Int32Array.from(triples, ([h]) => h),
    relations: Int32Array.from(triples, ([, r]) => r),
    tails: Int32Array.from(triples, ([, , t]) => t),
    length: triples.length,
  });
  // Alba knows Bero and Cira, Bero likes Alba, Alba owns Alba, Alba likes Bero.
  const train = columns([0, 0, 1], [1, 1, 0], [0, 2, 0]);
  const valid = columns([0, 0, 2], [0, 0, 1]);
  const test = columns([0, 1, 1]);
  const order = [6, 5, 4, 3, 2, 1, 0];
  const moved = (list: TripleList): TripleList => ({
    ...list,
    heads: list.heads.map((h) => 6 - h),
    tails: list.tails.map((t) => 6 - t),
  });
  const shapes: [string, KnownFacts][] = [
    ["a data set", { entities: { names: entities }, relations: { names: relations }, train, valid, test }],
    ["columns of the model's ids", { train, valid, test }],
    [
      "a data set with other ids and more names",
      {
        entities: [...order.map((id) => entities[id]!), "Eddo"],
        relations,
        train: columns([6, 0, 5], [5, 1, 6], [6, 2, 6], [7, 0, 6], [6, 0, 7]),
        valid: moved(valid),
        test: moved(test),
      },
    ],
    [
      "triples of names",
      {
        train: [
          ["Alba", "knows", "Bero"],
          ["Bero", "likes", "Alba"],
          ["Alba", "owns", "Alba"],
          ["Alba", "knows", "Eddo"],
          ["Alba", "hates", "Bero"],
        ],
        valid: [
          ["Alba", "knows", "Cira"],
          ["Alba", "knows", "Bero"],
        ],
        test: [["Alba", "likes", "Bero"]],
      },
    ],
  ];
  const answers: [PredictQuery, Readonly<Record<string, string>>][] = [
    [
      { head: "Alba", relation: "knows" },
      { "Alba knows Bero": "train", "Alba knows Cira": "valid" },
    ],
    [{ relation: "likes", tail: "Alba" }, { "Bero likes Alba": "train" }],
    [
      { head: "Alba", tail: "Bero" },
      { "Alba knows Bero": "train", "Alba likes Bero": "test" },
    ],
    [
      { head: "Alba" },
      {
        "Alba knows Bero": "train",
        "Alba owns Alba": "train",
        "Alba knows Cira": "valid",
        "Alba likes Bero": "test",
      },
    ],
    [{ tail: "Alba" }, { "Bero likes Alba": "train", "Alba owns Alba": "train" }],
    [{ head: "Dano", relation: "owns" }, {}],
  ];

  it.each(shapes)("leaves known answers out, from %s", (_, known) => {
    for (const [query, expected] of answers) {
      const rest = bruteForce(query).filter(({ names }) => !(names.join(" ") in expected));
      for (const top of [1, 3, 1000]) {
        expect(triplesOf(query, { known, top })).toEqual(rest.slice(0, top).map(({ names }) => names));
      }
      expect(triplesOf(query, { known: { data: known }, top: 2 })).toEqual(triplesOf(query, { known, top: 2 }));
      expect(named.predict(query, { known })[0]).not.toHaveProperty("known");
    }
  });

  it.each(shapes)("marks known answers with their split, from %s", (_, data) => {
    for (const [query, expected] of answers) {
      const found = named.predict(query, { known: { data, mark: true }, top: 1000 });
      expect(found).toHaveLength(bruteForce(query).length);
      for (const { head, relation, tail, known } of found) {
        expect(known).toBe(expected[`${head} ${relation} ${tail}`] ?? false);
      }
    }
  });

  it("notices facts that were added since", () => {
    const facts: NamedTriple[] = [];
    const query = { head: "Alba", relation: "knows" };
    const [first, second] = triplesOf(query);
    expect(triplesOf(query, { known: { train: facts } })[0]).toEqual(first);
    const known = { train: facts };
    expect(triplesOf(query, { known })[0]).toEqual(first);
    facts.push(first!);
    expect(triplesOf(query, { known })[0]).toEqual(second);
  });

  it.each<[string, unknown, string, RegExp]>([
    [
      "a list in place of a data set",
      [columns([0, 0, 1])],
      "MODELS_KNOWN",
      /^known: must be a data set \{ entities, relations, train/,
    ],
    ["a text", "train.txt", "MODELS_KNOWN", /^known: must be a data set, or/],
    ["nothing under data", { data: null }, "MODELS_KNOWN", /^known: must be a data set, or/],
    ["no train split", { test }, "MODELS_KNOWN", /but train is neither/],
    ["a split that is none", { train, valid: 5 }, "MODELS_KNOWN", /but valid is neither/],
    [
      "a vocabulary that is none",
      { entities: { names: 7 }, train },
      "MODELS_KNOWN",
      /^known\.entities: must be a list of names/,
    ],
    [
      "the names of another world",
      { entities: ["Xeno", "Yula"], train },
      "MODELS_FOREIGN_DATA",
      /^known\.entities: The model knows none of these 2 names \("Xeno"/,
    ],
    [
      "plain arrays for columns",
      { train: { heads: [0], relations: [0], tails: [1], length: 1 } },
      "MODELS_SHAPE",
      /Int32Array/,
    ],
    [
      "ids without a name",
      { train: columns([0, 0, 7]) },
      "MODELS_ID",
      /tail at position 0 is 7, .* of known\.train go from 0 to 6/,
    ],
  ])("refuses %s as known facts", (_, known, code, message) => {
    const error = thrown(() => named.predict({ head: "Alba", relation: "knows" }, { known } as never));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it.each<[string, object, object, RegExp]>([
    [
      "a whole triple",
      { head: "Alba", relation: "knows", tail: "Bero" },
      {},
      /use score\(\[\[head, relation, tail\]\]\)/,
    ],
    ["nothing", {}, {}, /must give head and relation, relation and tail/],
    ["a relation alone", { relation: "knows" }, {}, /must give head and relation/],
    ["an id in place of a name", { head: 0, relation: "knows" }, {}, /^head: must be a name, but is a number/],
    ["null in place of a name", { head: null, relation: "knows" }, {}, /^head: must be a name, but is null/],
    [
      "a misspelt part",
      { heads: "Alba", relation: "knows" },
      {},
      /There is no heads in the query of predict; did you mean head\?/,
    ],
    [
      "another option",
      { head: "Alba" },
      { limit: 3 },
      /There is no limit in the options of predict; it has top, known/,
    ],
    ["no answers", { head: "Alba" }, { top: 0 }, /^top: must be a whole number from 1, but is 0/],
    ["half an answer", { head: "Alba" }, { top: 1.5 }, /^top: /],
  ])("refuses %s", (_, query, options, message) => {
    const error = thrown(() => named.predict(query, options));
    expect(error.code).toBe("MODELS_QUERY");
    expect(error.message).toMatch(message);
  });

  it("is refused after dispose", async () => {
    const other = await openModel(directory);
    other.dispose();
    other.dispose();
    expect(thrown(() => other.predict({ head: "Alba", relation: "knows" })).code).toBe("MODELS_DISPOSED");
    expect(thrown(() => other.score([["Alba", "knows", "Bero"]])).code).toBe("MODELS_DISPOSED");
    await expect(other.save(join(directory, "gone"))).rejects.toMatchObject({ code: "MODELS_DISPOSED" });
  });
});

describe("score by names", () => {
  it("gives one plain number for each triple", () => {
    const triples: NamedTriple[] = [
      ["Alba", "knows", "Bero"],
      ["Café", "owns", "New York"],
      ["Alba", "knows", "Bero"],
    ];
    const scores = named.score(triples);
    expect(Array.isArray(scores)).toBe(true);
    expect(scores[0]).toBeCloseTo(bruteForce({ head: "Alba", tail: "Bero", relation: "knows" })[0]!.score, 5);
    expect(scores[2]).toBe(scores[0]);
    expect(scores[1]).not.toBe(scores[0]);
    expect(named.score([])).toEqual([]);
  });

  it("says which triple and which part is wrong", () => {
    const error = thrown(() =>
      named.score([
        ["Alba", "knows", "Bero"],
        ["Alba", "nows", "Bero"],
      ]),
    );
    expect(error).toMatchObject({ code: "MODELS_UNKNOWN_NAME", path: [1, "relation"], value: "nows" });
    expect(error.message).toBe('1.relation: The model has no relation "nows"; did you mean "knows"?');
    for (const odd of [["Alba", "knows"], "Alba knows Bero", { head: "Alba" }]) {
      const wrong = thrown(() => named.score([odd as never]));
      expect(wrong).toMatchObject({ code: "MODELS_QUERY", path: [0] });
      expect(wrong.message).toBe("0: must be [head, relation, tail].");
    }
    expect(thrown(() => named.score([["Alba", "knows", 3] as never]))).toMatchObject({ path: [0, "tail"] });
  });
});

describe("an unknown name", () => {
  const messageOf = (head: string): string => {
    const error = thrown(() => named.predict({ head, relation: "knows" }));
    expect(error).toMatchObject({ code: "MODELS_UNKNOWN_NAME", path: ["head"], value: head });
    return error.message;
  };

  it("comes with the nearest one", () => {
    expect(messageOf("Albu")).toBe('head: The model has no entity "Albu"; did you mean "Alba"?');
    expect(messageOf("Zyxwvut")).toBe('head: The model has no entity "Zyxwvut"; look for it in entities.tsv.');
    const relation = thrown(() => named.predict({ relation: "know", tail: "Alba" }));
    expect(relation).toMatchObject({ path: ["relation"], value: "know" });
    expect(relation.message).toMatch(/no relation "know"; did you mean "knows"\?/);
  });

  it("in another Unicode form is told as that, not by a name that looks alike", () => {
    expect(messageOf("Café".normalize("NFD"))).toMatch(
      /; it has the same name in another Unicode form: the model's is NFC, yours NFD\. Normalize yours\.$/,
    );
  });

  it("that differs in blanks is told as that", () => {
    for (const name of ["New  York", " New York", "New\u00a0York", "NewYork", "New York\u200b"]) {
      expect(messageOf(name)).toMatch(/; it has "New York", which differs in blanks only\.$/);
    }
  });

  it("of the other kind is told as that", () => {
    expect(messageOf("owns")).toBe(
      'head: The model has no entity "owns", but a relation of this name; check the order.',
    );
    expect(thrown(() => named.predict({ head: "Alba", relation: "Bero" })).message).toMatch(
      /no relation "Bero", but an entity of this name/,
    );
    // A name of both kinds is no mistake.
    expect(named.predict({ head: "likes", relation: "likes" })).toHaveLength(N);
  });
});

describe("the names of a model", () => {
  const model = () => lively({ model: "TransE", dim: 2, entities: 4, relations: 1 });

  it("go to ids and back, by few lookups and by many", async () => {
    const { entities: names } = new NamedModel(await model(), { entities: ["a", "b", "", "d"], relations: ["r"] });
    for (let round = 0; round < 5; round++) {
      expect(["a", "b", "", "d"].map((name) => names.id(name))).toEqual([0, 1, 2, 3]);
      expect([names.has("d"), names.has("e"), names.has("__proto__")]).toEqual([true, false, false]);
      expect(thrown(() => names.id("toString")).code).toBe("MODELS_UNKNOWN_NAME");
    }
    expect([0, 1, 2, 3].map((id) => names.name(id))).toEqual(["a", "b", "", "d"]);
    for (const id of [-1, 4, 0.5]) {
      expect(thrown(() => names.name(id))).toMatchObject({ code: "MODELS_ID", value: id });
    }
  });

  it("that stand for two ids are refused, by few lookups and by many", async () => {
    const { entities: names } = new NamedModel(await model(), { entities: ["a", "b", "a", "d"], relations: ["r"] });
    for (let round = 0; round < 12; round++) {
      const error = thrown(() => names.id("a"));
      expect(error.code).toBe("MODELS_NAMES");
      expect(error.message).toMatch(/ids 0 and 2 are both named "a"/);
      expect(names.id("d")).toBe(3);
    }
  });
});
