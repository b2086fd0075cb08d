import { describe, expect, it } from "vitest";
import {
  checkTeachers,
  collectScores,
  functionTeacher,
  scoreTable,
  type ScoreOptions,
  type Teacher,
  withTemperature,
} from "../src/index.js";
import { onnxTeacher } from "../src/onnx.js";

const heads = Int32Array.of(10, 11);
const relations = Int32Array.of(0, 3);
const candidates = Int32Array.of(1, 2, 3, 4, 5, 6);

/** A teacher whose score of (h, r, t) is factor * t. */
function multiple(name: string, factor: number, wait = false): Teacher {
  const write = (tails: Int32Array, out: Float32Array): void => tails.forEach((tail, at) => (out[at] = factor * tail));
  return {
    name,
    score(_heads, _relations, tails, out) {
      if (!wait) {
        write(tails, out);
        return undefined;
      }
      return Promise.resolve().then(() => write(tails, out));
    },
  };
}

function failing(name: string, score: Teacher["score"]): Teacher {
  return { name, score };
}

describe("collectScores", () => {
  it("writes every teacher's scores in order, those of promises too", async () => {
    const out = new Float32Array(18);
    await collectScores(
      [multiple("a", 1), multiple("b", -2, true), multiple("c", 0.5)],
      heads,
      relations,
      candidates,
      out,
    );
    expect(Array.from(out)).toEqual([1, 2, 3, 4, 5, 6, -2, -4, -6, -8, -10, -12, 0.5, 1, 1.5, 2, 2.5, 3]);
  });

  it("hands the query through", async () => {
    const seen: unknown[] = [];
    const teacher = failing("a", (h, r, c, out) => {
      seen.push(h, r, c);
      out.fill(0);
    });
    await collectScores([teacher], heads, relations, candidates, new Float32Array(6));
    expect(seen).toEqual([heads, relations, candidates]);
  });

  it.each([NaN, Infinity, -Infinity])("names the teacher and the triple of a %d", async (value) => {
    const bad = failing("DistH", (_h, _r, tails, out) => {
      tails.forEach((tail, at) => (out[at] = tail === 5 ? value : 0));
    });
    await expect(
      collectScores([multiple("TransH", 1), bad], heads, relations, candidates, new Float32Array(12)),
    ).rejects.toMatchObject({
      name: "MuldeError",
      code: "SENIOR_TEACHER_NOT_FINITE",
      message: expect.stringContaining(
        `Teacher "DistH" gave ${String(value)} for head 11, relation 3, tail 5`,
      ) as string,
    });
  });

  it("notices scores that were never written, whatever the buffer held before", async () => {
    const lazy = failing("lazy", (_h, _r, _c, out) => {
      out[0] = 1;
    });
    await expect(collectScores([lazy], heads, relations, candidates, new Float32Array(6))).rejects.toMatchObject({
      code: "SENIOR_TEACHER_NOT_FINITE",
      message: expect.stringContaining("tail 2") as string,
    });
  });

  it("does not scan the scores of a teacher with writesAll", async () => {
    const trusted: Teacher = { ...failing("kernel", (_h, _r, _c, out) => void out.fill(NaN)), writesAll: true };
    const out = new Float32Array(6);
    await collectScores([trusted], heads, relations, candidates, out);
    expect(out.every(Number.isNaN)).toBe(true);
  });

  it("wraps what a teacher throws, now or later, with its name and cause", async () => {
    const cause = new Error("out of memory");
    const teachers = [
      failing("RotH", () => {
        throw cause;
      }),
      failing("RotH", () => Promise.reject(cause)),
    ];
    for (const teacher of teachers) {
      await expect(
        collectScores([multiple("a", 1), teacher], heads, relations, candidates, new Float32Array(12)),
      ).rejects.toMatchObject({
        code: "SENIOR_TEACHER_FAILED",
        message: 'Teacher "RotH" failed to score a batch: out of memory.',
        cause,
      });
    }
    const [one] = teachers;
    await expect(
      collectScores([one!], heads, relations, candidates, new Float32Array(6), { signal: undefined }),
    ).rejects.toMatchObject({ code: "SENIOR_TEACHER_FAILED", cause });
  });

  it("waits for slow teachers before it throws, so that nobody writes afterwards", async () => {
    let finished = false;
    const slow = failing("slow", async (_h, _r, _c, out) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      out.fill(0);
      finished = true;
    });
    const broken = failing("broken", () => Promise.reject(new Error("no")));
    await expect(
      collectScores([broken, slow], heads, relations, candidates, new Float32Array(12)),
    ).rejects.toMatchObject({ code: "SENIOR_TEACHER_FAILED" });
    expect(finished).toBe(true);
  });

  it("refuses lengths that do not fit", async () => {
    const a = multiple("a", 1);
    const out = new Float32Array(6);
    const cases: readonly Promise<void>[] = [
      collectScores([], heads, relations, candidates, new Float32Array(0)),
      collectScores([a], new Int32Array(0), new Int32Array(0), candidates, out),
      collectScores([a], heads, Int32Array.of(0), candidates, out),
      collectScores([a], heads, relations, new Int32Array(5), new Float32Array(5)),
      collectScores([a], heads, relations, new Int32Array(0), new Float32Array(0)),
      collectScores([a, a], heads, relations, candidates, out),
    ];
    for (const call of cases) await expect(call).rejects.toMatchObject({ code: "SENIOR_SHAPE" });
    await expect(collectScores([], heads, relations, candidates, out)).rejects.toThrow(
      "The number of teachers must be",
    );
    const none = new Int32Array(0);
    await expect(collectScores([a], none, none, candidates, out)).rejects.toThrow("The number of queries must be");
    await expect(collectScores([a], heads, Int32Array.of(0), candidates, out)).rejects.toThrow(
      "relations must hold B = 2",
    );
    await expect(collectScores([a], heads, relations, new Int32Array(5), new Float32Array(5))).rejects.toThrow(
      "candidates must hold B x K values, equally many for each of the 2 queries, but holds 5",
    );
    await expect(collectScores([a, a], heads, relations, candidates, out)).rejects.toThrow(
      "out must hold m x B x K = 12 values, but holds 6",
    );
  });

  it("refuses a teacher without a name, by its position", async () => {
    const nameless = { ...multiple("a", 1), name: undefined } as unknown as Teacher;
    for (const teacher of [nameless, { ...nameless, name: "" }]) {
      await expect(
        collectScores([multiple("a", 1), teacher], heads, relations, candidates, new Float32Array(12)),
      ).rejects.toMatchObject({ code: "SENIOR_TEACHER", path: ["teachers", 1], value: teacher.name });
    }
  });

  it("hands the signal on, through a temperature and to a function too", async () => {
    const seen: unknown[] = [];
    const { signal } = new AbortController();
    const own = failing("own", (_h, _r, _c, out, options) => {
      seen.push(options);
      out.fill(0);
    });
    const asked = functionTeacher("function", (_h, _r, c, options) => {
      seen.push(options);
      return new Float32Array(c.length);
    });
    const teachers = [own, withTemperature(own, 2), asked];
    await collectScores(teachers, heads, relations, candidates, new Float32Array(18), { signal });
    expect(seen).toEqual([{ signal }, { signal }, { signal }]);
  });

  it("rejects with the signal's reason, before it asks anybody or while a teacher waits", async () => {
    const reason = new Error("stopped");
    let asked = 0;
    const waiting = failing("service", (_h, _r, _c, _out, options?: ScoreOptions) => {
      asked++;
      return new Promise((_, reject) => {
        options?.signal?.addEventListener("abort", () => {
          reject(new Error("the connection closed"));
        });
      });
    });
    const call = (signal: AbortSignal) =>
      collectScores([waiting], heads, relations, candidates, new Float32Array(6), { signal });
    await expect(call(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(asked).toBe(0);
    const controller = new AbortController();
    const running = call(controller.signal);
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(asked).toBe(1);
  });
});

describe("checkTeachers", () => {
  const data = { entities: 5, relations: 2 };
  const sized = (name: string, entities?: number, rows?: number): Teacher => ({
    ...multiple(name, 1),
    entities,
    relations: rows,
  });

  it("accepts teachers that fit the data or state no sizes", () => {
    expect(() => {
      checkTeachers([sized("a", 5, 2), sized("b"), sized("c", 5), sized("d", undefined, 2)], data);
    }).not.toThrow();
  });

  it.each<[string, readonly Teacher[], string, readonly (string | number)[]]>([
    [
      "fewer entities",
      [sized("a"), sized("RotH", 4, 2)],
      '"RotH" scores 4 entities, but the data has 5',
      ["teachers", 1],
    ],
    ["more entities", [sized("RotH", 6, 2)], '"RotH" scores 6 entities, but the data has 5', ["teachers", 0]],
    ["other relations", [sized("RotH", 5, 4)], '"RotH" scores 4 relations, but the data has 2', ["teachers", 0]],
    ["one name twice", [sized("a"), sized("b"), sized("a")], 'the name "a" is taken by teacher 0', ["teachers", 2]],
    ["no name", [sized("a"), {} as Teacher], "the teacher has no name", ["teachers", 1]],
    ["a model instead of a teacher", [{ name: "RotH" } as Teacher], '"RotH" has no function "score"', ["teachers", 0]],
    ["no teacher", [], "There is no teacher", []],
  ])("refuses %s", (_, teachers, text, path) => {
    expect(() => {
      checkTeachers(teachers, data);
    }).toThrow(
      expect.objectContaining({ code: "SENIOR_TEACHER", path, message: expect.stringContaining(text) as string }),
    );
  });

  it("gets the sizes through withTemperature, and no maker of teachers takes an empty name", async () => {
    expect(() => {
      checkTeachers([sized("a"), sized("a")], data);
    }).toThrow(expect.objectContaining({ value: "a" }));
    expect(() => {
      checkTeachers([sized("a", 7)], data);
    }).toThrow(expect.objectContaining({ value: 7 }));
    expect(withTemperature(sized("a", 5, 2), 3)).toMatchObject({ name: "a", entities: 5, relations: 2 });
    const none = {
      heads: new Int32Array(),
      relations: new Int32Array(),
      tails: new Int32Array(),
      scores: new Float32Array(),
    };
    const refused = expect.objectContaining({
      code: "SENIOR_TEACHER",
      message: expect.stringContaining("a string of at least one character") as string,
    }) as Error;
    expect(() => functionTeacher("", () => [])).toThrow(expect.objectContaining({ value: "" }));
    expect(() => functionTeacher("", () => [])).toThrow(refused);
    expect(() => scoreTable(undefined as unknown as string, none)).toThrow(refused);
    await expect(onnxTeacher("", "model.onnx")).rejects.toThrow(refused);
  });
});
