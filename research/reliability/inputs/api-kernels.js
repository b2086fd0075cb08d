// @mulde/kernels called wrongly: no call may read or write outside its arrays.
import { createKernels, pointTable, queryBatch } from "@mulde/kernels";

const N = 5;
const dim = 4;
const B = 2;
const does = (name, call, code, names = []) => ({ name, call, code, names });
const makes = (name, options, names) =>
  does(`createKernels: ${name}`, () => createKernels(options), "KERNELS_BAD_OPTION", names);

/** Kernels with a batch of queries and a table of points. */
async function setUp() {
  const kernels = await createKernels({ threads: 1 });
  const { engine } = kernels;
  return { kernels, engine, table: pointTable(engine, N, dim, true), queries: queryBatch(engine, B, dim) };
}

const any = (name, kernel, args) =>
  does(`${kernel}: ${name}`, ({ engine }) => engine.call(kernel, args(engine)), "KERNELS_BAD_ARGUMENT", kernel);

export const calls = () => ({
  setUp,
  cases: [
    makes("an engine that is none", { engine: "gpu" }, "engine"),
    makes("an engine that is a number", { engine: 7 }, "engine"),
    makes("no threads", { threads: 0 }, "threads"),
    makes("negative threads", { threads: -1 }, "threads"),
    makes("257 threads", { threads: 257 }, "threads"),
    makes("half a thread", { threads: 1.5 }, "threads"),
    makes("threads of NaN", { threads: NaN }, "threads"),
    makes("threads as text", { threads: "two" }, "threads"),
    makes("a list of threads", { threads: [1, 2] }, "threads"),
    does(
      "createKernels: an instruction set that is none",
      () => createKernels({ isa: "mmx" }),
      "KERNELS_NOT_NATIVE",
      "mmx",
    ),
    does("call: an unknown kernel", ({ engine }) => engine.call("scoreal", []), "KERNELS_UNKNOWN", "scoreAll"),
    does("call: no kernel", ({ engine }) => engine.call(null, []), "KERNELS_UNKNOWN"),
    does(
      "call: a kernel called __proto__",
      ({ engine }) => engine.call("__proto__", []),
      "KERNELS_UNKNOWN",
      "__proto__",
    ),
    any("no arguments", "scoreAll", () => []),
    any("a hundred arguments", "scoreAll", () => new Array(100).fill(1)),
    any("texts for arguments", "scoreAll", () => new Array(16).fill("x")),
    any("nulls for arguments", "adam", () => new Array(16).fill(null)),
    any("no arguments", "seniorStep", () => []),
    any("no arguments", "topK", () => []),
    any("no arguments", "rank", () => []),
    does(
      "topK: a k of 0",
      ({ kernels, queries, table }) => kernels.topK("dot", queries, table, 0, new Int32Array(4), null),
      "KERNELS_BAD_SHAPE",
      "k",
    ),
    does(
      "topK: a k beyond the entities",
      ({ kernels, queries, table }) => kernels.topK("dot", queries, table, 6, new Int32Array(12), null),
      "KERNELS_BAD_SHAPE",
      "k",
    ),
    does(
      "topK: a k of NaN",
      ({ kernels, queries, table }) => kernels.topK("dot", queries, table, NaN, new Int32Array(12), null),
      "KERNELS_BAD_SHAPE",
      "k",
    ),
    does(
      "topK: too little room",
      ({ kernels, queries, table }) => kernels.topK("dot", queries, table, 2, new Int32Array(3), null),
      "KERNELS_BAD_LENGTH",
      "ids",
    ),
    does(
      "topK: a similarity that is none",
      ({ kernels, queries, table }) => kernels.topK("cosine", queries, table, 2, new Int32Array(4), null),
      "KERNELS_BAD_ARGUMENT",
      "cosine",
    ),
    does(
      "topK: plain arrays",
      ({ kernels, queries, table }) => kernels.topK("dot", queries, table, 2, [0, 0, 0, 0], null),
      "KERNELS_BAD_ARGUMENT",
      "ids",
    ),
    does(
      "scoreAll: too little room",
      ({ kernels, queries, table }) => kernels.scoreAll("dot", queries, table, new Float32Array(9)),
      "KERNELS_BAD_LENGTH",
      "scores",
    ),
    does(
      "scoreAll: doubles",
      ({ kernels, queries, table }) => kernels.scoreAll("dot", queries, table, new Float64Array(10)),
      "KERNELS_BAD_ARGUMENT",
      "scores",
    ),
    does(
      "rank: a target out of range",
      ({ kernels, queries, table }) => kernels.rank("dot", queries, table, rankCall(Int32Array.of(0, 5))),
      "KERNELS_BAD_ID",
      "targets",
    ),
    does(
      "rank: a negative target",
      ({ kernels, queries, table }) => kernels.rank("dot", queries, table, rankCall(Int32Array.of(-1, 0))),
      "KERNELS_BAD_ID",
      "targets",
    ),
    does(
      "rank: too few targets",
      ({ kernels, queries, table }) => kernels.rank("dot", queries, table, rankCall(Int32Array.of(0))),
      "KERNELS_BAD_LENGTH",
      "targets",
    ),
    does(
      "rank: filters that descend",
      ({ kernels, queries, table }) =>
        kernels.rank("dot", queries, table, {
          ...rankCall(Int32Array.of(0, 1)),
          filterOffsets: Int32Array.of(0, 2, 1),
        }),
      "KERNELS_BAD_ORDER",
      "filterOffsets",
    ),
    does(
      "rank: a filtered id out of range",
      ({ kernels, queries, table }) =>
        kernels.rank("dot", queries, table, {
          ...rankCall(Int32Array.of(0, 1)),
          filterOffsets: Int32Array.of(0, 1, 1),
          filterIds: Int32Array.of(99),
        }),
      "KERNELS_BAD_ID",
      "filterIds",
    ),
    does(
      "an array that was freed",
      ({ kernels, engine, queries, table }) => {
        const scores = engine.float32(2 * N);
        engine.free(scores);
        kernels.scoreAll("dot", queries, table, scores);
      },
      "KERNELS_FREED",
      "scores",
    ),
    does("float32: a negative length", ({ engine }) => engine.float32(-1), "KERNELS_BAD_SHAPE", "-1"),
    does("float32: a length of NaN", ({ engine }) => engine.float32(NaN), "KERNELS_BAD_SHAPE", "NaN"),
    does("float32: a length of 2^50", ({ engine }) => engine.float32(2 ** 50), "KERNELS_OUT_OF_MEMORY"),
  ],
});

function rankCall(targets) {
  return {
    targets,
    filterOffsets: new Int32Array(B + 1),
    filterIds: new Int32Array(0),
    greater: new Int32Array(B),
    equal: new Int32Array(B),
  };
}
