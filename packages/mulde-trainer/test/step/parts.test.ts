// Parts of a user's own, in whole runs.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KgeModel } from "@mulde/kge-models";
import type { Teacher } from "@mulde/senior";
import { describe, expect, it } from "vitest";
import {
  type AnswerRule,
  type Batch,
  type CandidateBlock,
  type CandidateSource,
  type DistillationParts,
  distil,
  type DistilInput,
  type Label,
  type QuerySource,
  type StepParts,
  train,
  type TrainResult,
} from "../../src/index.js";
import { changed, ring, without } from "../_planted.js";
import { eventsOf, failure, finish, told } from "../_runs.js";

const data = ring();
const N = 24;
const R = 4;
const options = changed({ epochs: 2, negatives: 3, soft: { candidates: 4 } });
const forTraining = without(options, "soft");

const flat: Teacher = { name: "flat", score: (_, __, ___, out) => void out.fill(1) };

function trained(parts: StepParts): Promise<TrainResult> {
  return train(forTraining, { data, parts }).result;
}

function distilled(parts: DistillationParts, teachers = [flat], over: DistilInput = {}): Promise<TrainResult> {
  return distil(changed(over, options), { data, teachers, parts }).result;
}

const values = ({ model }: { readonly model: KgeModel }): number[][] =>
  [...model.tables.values()].map((table) => [...table.data]);

const rowsOf = ({ queries, K, stride, candidates }: CandidateBlock): number[][] =>
  Array.from(queries.heads, (_, b) => [...candidates.subarray(b * stride, b * stride + K)]);

/** A label that learns nothing, and what it saw. */
function watching(): { label: Label; seen: { queries: Batch; rows: number[][] }[] } {
  const seen: { queries: Batch; rows: number[][] }[] = [];
  const label: Label = {
    name: "watching",
    learn(block) {
      const { queries, K, stride, gradient } = block;
      seen.push({ queries, rows: rowsOf(block) });
      queries.heads.forEach((_, b) => gradient.fill(0, b * stride, b * stride + K));
      return { hard: 0.5 };
    },
  };
  return { label, seen };
}

describe("a rule of one's own", () => {
  // The entity opposite on the ring is nobody's answer.
  const opposite = (head: number): number => (head + N / 2) % N;
  const rule: AnswerRule = {
    name: "opposite",
    isWrong: (head, _, entity) => entity === opposite(head),
    negative: (head) => opposite(head),
  };
  const silent: AnswerRule = without(rule, "negative");

  it("adds its negatives to every query of the facts, in both kinds of runs", async () => {
    for (const run of [trained, distilled]) {
      const { label, seen } = watching();
      await run({ rules: [rule], label });
      expect(seen.length).toBeGreaterThan(5);
      for (const { queries, rows } of seen) {
        expect(rows.map((row) => row[0])).toEqual([...queries.tails]);
        expect(rows.map((row) => row[1])).toEqual(Array.from(queries.heads, opposite));
      }
      const none = watching();
      await run({ rules: [silent], label: none.label });
      const others = none.seen.flatMap(({ queries, rows }) =>
        rows.map((row, b) => row[1] === opposite(queries.heads[b]!)),
      );
      expect(others.some((hit) => !hit)).toBe(true);
    }
  });

  it("stands behind the rules that the options name", async () => {
    const { label, seen } = watching();
    await train({ ...forTraining, rules: ["ownHead"] }, { data, parts: { rules: [rule], label } }).result;
    for (const { queries, rows } of seen) {
      expect(rows.map((row) => row.slice(1, 3))).toEqual(Array.from(queries.heads, (head) => [head, opposite(head)]));
    }
  });

  it("changes what is learned", async () => {
    expect(values(await trained({ rules: [rule] }))).not.toEqual(values(await trained({})));
  });

  const everything: DistilInput = { soft: { candidates: "all" } };
  const praising = (praise: number): Teacher => ({
    name: "praising",
    score(heads, _, candidates, out) {
      const K = candidates.length / heads.length;
      candidates.forEach((entity, at) => {
        out[at] = entity === opposite(heads[Math.floor(at / K)]!) ? praise : Math.sin(entity);
      });
    },
  });

  it.each<[string, DistilInput]>([
    ["a sampled loss", everything],
    ["a loss over all entities", { ...everything, loss: "1vsAll" }],
  ])("leaves out what teachers say of wrong answers, beside %s", async (_, over) => {
    const [faint, loud] = [[praising(2)], [praising(50)]];
    expect(values(await distilled({}, loud, over))).not.toEqual(values(await distilled({}, faint, over)));
    const [one, two] = [
      await distilled({ rules: [silent] }, faint, over),
      await distilled({ rules: [silent] }, loud, over),
    ];
    expect(values(two)).toEqual(values(one));
  });
});

describe("a query source of one's own", () => {
  // (h, r, h + r + 1) for heads from the step's number on: facts, known to the training split or not.
  const facts: QuerySource = {
    name: "facts of its own",
    size: (B) => Math.ceil(B / 4),
    draw({ epoch, step, heads }) {
      const size = Math.ceil(heads.length / 4);
      const own = Int32Array.from({ length: size }, (_, i) => (step + i) % N);
      const relations = own.map((head) => head % R);
      return { epoch, step, heads: own, relations, tails: own.map((head, i) => (head + relations[i]! + 1) % N) };
    },
  };

  it("adds queries to the facts' loss in training, with negatives of their own", async () => {
    const { label, seen } = watching();
    await trained({ queries: [facts], label });
    // The facts, then the source: two calls in each step.
    const beside = seen.filter((_, i) => i % 2 === 1);
    expect(beside).toHaveLength(10);
    for (const [i, { queries, rows }] of beside.entries()) {
      const drawn = facts.draw(seen[2 * i]!.queries);
      expect(queries).toEqual(drawn);
      expect(rows.map((row) => row[0])).toEqual([...drawn.tails]);
      expect(rows.map((row) => row.slice(1))).not.toEqual(
        seen[2 * i]!.rows.slice(0, rows.length).map((row) => row.slice(1)),
      );
    }
    expect(values(await trained({ queries: [facts] }))).not.toEqual(values(await trained({})));
  });

  it("has other negatives than another source", async () => {
    const { label, seen } = watching();
    await trained({ queries: [facts, { ...facts, name: "another" }], label });
    const [, first, second] = seen;
    expect(second!.queries).toEqual(first!.queries);
    expect(second!.rows).not.toEqual(first!.rows);
  });

  it("asks the teachers in distillation, whose answers the Junior learns", async () => {
    const asked: string[] = [];
    const recording: Teacher = {
      name: "recording",
      score(heads, relations, candidates, out) {
        const K = candidates.length / heads.length;
        heads.forEach((head, b) => asked.push(`${head} ${relations[b]} of ${K}`));
        candidates.forEach((entity, at) => (out[at] = Math.sin(entity)));
      },
    };
    const unknown: QuerySource = {
      ...facts,
      draw: (batch) => ({ ...facts.draw(batch), tails: facts.draw(batch).tails.fill(-1) }),
    };
    const result = await distilled({ queries: [unknown] }, [recording]);
    // As wide as both labels of a fact: 1 + 3 and 4.
    const own = asked.filter((query) => query.endsWith("of 8"));
    expect(own.slice(0, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((head) => `${head} ${head % R} of 8`));
    expect(values(result)).not.toEqual(values(await distilled({}, [recording])));
  });

  it("is refused where it is wider than the graph", () => {
    const wide = changed({ soft: { candidates: 21 } }, options);
    expect(failure(() => distil(wide, { data, teachers: [flat], parts: { queries: [facts] } }))).toMatchObject({
      code: "TRAINER_OPTION",
      path: ["parts", "queries"],
    });
  });
});

describe("negatives of one's own", () => {
  // The answer, then those after it on the ring.
  const after: CandidateSource = {
    name: "after",
    K: 6,
    fill({ queries: { tails }, K, stride, candidates }) {
      tails.forEach((tail, b) => {
        for (let k = 0; k < K; k++) candidates[b * stride + k] = (tail + k) % N;
      });
    },
  };
  const expected = (tail: number): number[] => [0, 1, 2, 3, 4, 5].map((k) => (tail + k) % N);

  it.each(["facts alone", "soft labels too", "shared candidates"])(
    "stand in the place of uniform ones: %s",
    async (kind) => {
      const { label, seen } = watching();
      const parts = { negatives: after, label };
      const over: DistilInput = kind === "shared candidates" ? { soft: { candidates: "sampled" } } : {};
      await (kind === "facts alone" ? trained(parts) : distilled(parts, [flat], over));
      expect(seen).toHaveLength(10);
      for (const { queries, rows } of seen) expect(rows).toEqual(Array.from(queries.tails, expected));
    },
  );

  it("may keep a state, which a checkpoint holds", async () => {
    const counting = (): CandidateSource & { readonly seen: number[] } => {
      const state = new Map([["counting", new Float32Array(1)]]);
      const seen: number[] = [];
      return {
        ...after,
        state,
        seen,
        fill(block) {
          const count = state.get("counting")!;
          seen.push(count[0]!++);
          after.fill(block);
        },
      };
    };
    const directory = await mkdtemp(join(tmpdir(), "mulde-parts-"));
    const checkpoint = join(directory, "checkpoint");
    const make = (negatives: CandidateSource) => train(forTraining, { data, checkpoint, parts: { negatives } });
    const first = make(counting());
    await expect(finish(first, ({ type }) => type === "epoch" && first.stop())).rejects.toMatchObject({
      code: "TRAINER_STOPPED",
    });
    const second = counting();
    await make(second).result;
    expect(second.seen).toEqual([5, 6, 7, 8, 9]);
    await rm(directory, { recursive: true });
  });
});

describe("a label of one's own", () => {
  it("is learned in the place of the options' loss", async () => {
    // Pulls the answer's score up, whatever the negatives.
    const pull: Label = {
      name: "pull",
      learn({ queries, K, stride, scores, gradient }) {
        const B = queries.heads.length;
        let hard = 0;
        for (let b = 0; b < B; b++) {
          hard -= scores[b * stride]! / B;
          for (let k = 0; k < K; k++) gradient[b * stride + k] = k === 0 ? -1 / B : 0;
        }
        return { hard };
      },
    };
    const events = await eventsOf(train(forTraining, { data, parts: { label: pull } }));
    const losses = events.flatMap((event) => (event.type === "epoch" ? [event.loss.hard] : []));
    expect(losses).toHaveLength(2);
    expect(losses[1]!).toBeLessThan(losses[0]!);
    // Nothing keeps scores from growing, unlike a loss that compares them.
    expect(losses[1]!).toBeLessThan(-0.1);
    const usual = told(await eventsOf(train(forTraining, { data })));
    expect(told(events)).not.toEqual(usual);
  });

  it("does not touch the soft label beside it", async () => {
    // One step, so that both begin with the same parameters.
    const single = { ...options, epochs: 1, batchSize: 1000 };
    const sine: Teacher = {
      name: "sine",
      score: (_, __, candidates, out) => candidates.forEach((entity, i) => (out[i] = Math.sin(entity))),
    };
    const losses = async (parts: DistillationParts): Promise<(number | undefined)[][]> => {
      const events = await eventsOf(distil(single, { data, teachers: [sine], parts }));
      return events.flatMap((event) =>
        event.type === "epoch" ? [[event.loss.hard, event.loss.soft, event.loss.senior]] : [],
      );
    };
    const [[, ...usual]] = (await losses({})) as [number[]];
    expect(usual.every((loss) => loss > 0)).toBe(true);
    expect(await losses({ label: watching().label })).toEqual([[0.5, ...usual]]);
  });
});

describe("candidates of one's own", () => {
  const opposite: CandidateSource = {
    name: "opposite",
    K: 3,
    fill({ queries: { heads }, K, stride, candidates }) {
      heads.forEach((head, b) => {
        for (let k = 0; k < K; k++) candidates[b * stride + k] = (head + N / 2 + k) % N;
      });
    },
  };

  it.each<[string, DistilInput]>([
    ["a sampled loss", {}],
    ["shared candidates, which they replace", { soft: { candidates: "sampled" } }],
    ["a loss over all entities", { loss: "1vsAll" }],
  ])("are what teachers are asked about, beside %s", async (_, over) => {
    const asked: number[][] = [];
    const recording: Teacher = {
      name: "recording",
      score(heads, __, candidates, out) {
        heads.forEach((head, b) => asked.push([head, ...candidates.subarray(3 * b, 3 * b + 3)]));
        out.fill(0);
      },
    };
    await distilled({ candidates: opposite }, [recording], over);
    expect(asked.length).toBeGreaterThan(200);
    for (const [head, ...row] of asked) expect(row).toEqual([12, 13, 14].map((k) => (head! + k) % N));
  });
});

describe("parts", () => {
  const source: CandidateSource = { name: "source", K: 2, fill: ({ candidates }) => void candidates.fill(1) };
  const queries: QuerySource = { name: "queries", size: (B) => B, draw: (batch) => batch };
  const { label } = watching();

  it.each<[keyof StepParts, StepParts]>([
    ["queries", { queries: [queries] }],
    ["negatives", { negatives: source }],
    ["label", { label }],
  ])("have no place beside a loss over all entities: %s", (name, parts) => {
    for (const loss of ["1vsAll", "KvsAll", "KvsAllSoftmax"]) {
      for (const call of [
        () => train({ ...forTraining, loss }, { data, parts }),
        () => distil({ ...options, loss }, { data, teachers: [flat], parts }),
      ]) {
        const { code, path, reason } = failure(call);
        expect([code, path]).toEqual(["TRAINER_OPTION", ["parts", name]]);
        expect(reason).toContain(`${loss} goes over all entities`);
      }
    }
  });

  it.each<[string, DistillationParts, string]>([
    ["a rule without a name", { rules: [{ isWrong: () => false } as never] }, "rules.0: it has no name"],
    ["a rule without isWrong", { rules: [{ name: "r" } as never] }, 'rules.0: "r" has no function "isWrong"'],
    [
      "two rules of one name",
      {
        rules: [
          { name: "r", isWrong: () => false },
          { name: "r", isWrong: () => true },
        ],
      },
      "rules.1: two",
    ],
    [
      "queries without draw",
      { queries: [{ name: "q", size: () => 1 } as never] },
      'queries.0: "q" has no function "draw"',
    ],
    [
      "queries without size",
      { queries: [{ name: "q", draw: () => 1 } as never] },
      'queries.0: "q" has no function "size"',
    ],
    ["two query sources of one name", { queries: [queries, queries] }, 'queries.1: two of them are called "queries"'],
    ["negatives without fill", { negatives: { name: "n", K: 2 } as never }, 'negatives.0: "n" has no function "fill"'],
    ["candidates without K", { candidates: { ...source, K: 0 } }, 'candidates.0: K of "source" must be a whole number'],
    ["candidates of half a K", { candidates: { ...source, K: 2.5 } }, "candidates.0: K of"],
    ["a label without learn", { label: { name: "l" } as never }, 'label.0: "l" has no function "learn"'],
  ])("are refused when the run is made: %s", (_, parts, message) => {
    const refused = failure(() => distil(options, { data, teachers: [flat], parts }));
    expect(refused.code).toBe("TRAINER_PART");
    expect(refused.message).toContain(`parts.${message}`);
  });

  it.each<[string, DistillationParts, string]>([
    [
      "more queries than announced",
      { queries: [{ ...queries, size: () => 1 }] },
      'The query source "queries" drew 32 queries, but its size is 1',
    ],
    [
      "columns of different lengths",
      { queries: [{ ...queries, draw: (batch) => ({ ...batch, tails: batch.tails.subarray(1) }) }] },
      'The query source "queries" drew 32 heads, 32 relations and 31 tails',
    ],
    [
      "a relation that does not exist",
      { queries: [{ ...queries, draw: (batch) => ({ ...batch, relations: batch.relations.map(() => 8) }) }] },
      ", 8, ?); heads are 0 to 23, relations 0 to 7.",
    ],
    [
      "a negative that is no entity",
      { rules: [{ name: "r", isWrong: () => false, negative: () => 24 }] },
      'The rule "r" gave',
    ],
    [
      "a candidate that is no entity",
      {
        negatives: {
          name: "n",
          K: 1,
          fill: ({ queries: { heads }, stride, candidates }) => heads.forEach((_, b) => (candidates[b * stride] = 24)),
        },
      },
      'The source "n" gave the candidate 24',
    ],
    ["candidates beyond a row", { candidates: source }, '"source" wrote beyond the 2 values of a row'],
    [
      "a gradient beyond a row",
      { label: { name: "l", learn: ({ gradient }) => ({ hard: gradient.fill(2).length }) } },
      '"l" wrote beyond the 4 values of a row',
    ],
    ["no loss", { label: { name: "l", learn: () => undefined as never } }, 'The label "l" returned no loss'],
  ])("are named by the error about what they give: %s", async (_, parts, message) => {
    await expect(distilled(parts)).rejects.toMatchObject({
      code: "TRAINER_PART",
      message: expect.stringContaining(message) as string,
    });
  });

  it("are disposed when the run ends", async () => {
    const disposed: string[] = [];
    const noting = <T extends object>(part: T, name: string): T => ({
      ...part,
      dispose: () => void disposed.push(name),
    });
    const { label: own } = watching();
    const filling: CandidateSource = {
      ...source,
      fill: ({ queries: { heads }, K, stride, candidates }) =>
        heads.forEach((_, b) => candidates.fill(1, b * stride, b * stride + K)),
    };
    await distilled({
      negatives: noting(filling, "negatives"),
      label: noting(own, "label"),
      candidates: noting(filling, "candidates"),
    });
    expect(disposed.sort()).toEqual(["candidates", "label", "negatives"]);
  });
});
