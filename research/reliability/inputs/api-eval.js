// @mulde/eval called wrongly.
import {
  countRanks,
  denseScorer,
  evaluate,
  knownAnswers,
  rankTriples,
  relationCategories,
  ranksFromCounts,
  summarise,
  teacherScorer,
} from "@mulde/eval";

const ids = (...values) => Int32Array.of(...values);
const list = (heads, relations, tails) => ({ heads, relations, tails, length: heads.length });
const triples = list(ids(0, 1), ids(0, 1), ids(1, 2));
const options = { triples, numRelations: 2 };
const scorer = {
  numEntities: 4,
  scoreAll: (heads, _relations, out) => out.fill(0).forEach((_, i) => (out[i] = (i * 7919) % 13)) ?? heads,
};
const scores = new Float32Array(4 * 4 * 4);
const ranked = (name, changed, code, names = [], by = scorer) => ({
  name: `evaluate: ${name}`,
  call: () => evaluate(by, { ...options, ...changed }),
  code,
  names,
});
const bad = (name, changed, names, by) =>
  ranked(name, { triples: { ...triples, ...changed } }, "EVAL_BAD_TRIPLES", names, by);
const option = (name, changed, names, by) => ranked(name, changed, "EVAL_BAD_OPTION", names, by);
const does = (name, call, code, names = []) => ({ name, call, code, names });

export const calls = () => ({
  cases: [
    does("evaluate: nothing", () => evaluate(), "EVAL_BAD_OPTION", "scorer"),
    does("evaluate: null options", () => evaluate(scorer, null), "EVAL_BAD_OPTION", "options"),
    does("evaluate: no options", () => evaluate(scorer), "EVAL_BAD_OPTION", "options"),
    option("a scorer that is null", {}, "scorer", null),
    option("a scorer that is a function", {}, "scorer", () => 0),
    option("a scorer without scoreAll", {}, "scoreAll", { numEntities: 4 }),
    option("a scorer of no entities", {}, "numEntities", { ...scorer, numEntities: 0 }),
    option("a scorer of half an entity", {}, "numEntities", { ...scorer, numEntities: 2.5 }),
    option("a scorer of a trillion entities", {}, "numEntities", { ...scorer, numEntities: 1e12 }),
    option("a scorer of another number of relations", {}, "numRelations", { ...scorer, numRelations: 3 }),
    option("no number of relations", { numRelations: undefined }, "numRelations"),
    option("negative relations", { numRelations: -1 }, "numRelations"),
    option("relations as text", { numRelations: "2" }, "numRelations"),
    option("a batch of 0", { batchSize: 0 }, "batchSize"),
    option("a batch of NaN", { batchSize: NaN }, "batchSize"),
    option("an infinite batch", { batchSize: Infinity }, "batchSize"),
    option("a batch as text", { batchSize: "2" }, "batchSize"),
    option("an unknown tie", { tie: "random" }, "tie"),
    option("a tie that is a number", { tie: 3 }, "tie"),
    option("unknown sides", { sides: "left" }, "sides"),
    option("Hits at 0", { hitsAt: [0] }, "hitsAt.0"),
    option("Hits at a fraction", { hitsAt: [1, 2.5] }, "hitsAt.1"),
    option("Hits at NaN", { hitsAt: [NaN] }, "hitsAt.0"),
    option("Hits that are no list", { hitsAt: 10 }, "hitsAt"),
    option("Hits that are text", { hitsAt: "10" }, "hitsAt"),
    option("a progress that is no function", { onProgress: 7 }, "onProgress"),
    option("a signal that is none", { signal: 7 }, "signal"),
    ranked("known that is an array", { known: [] }, "EVAL_BAD_FILTER", "known"),
    ranked("known that is a list of triples", { known: triples }, "EVAL_BAD_FILTER", "known"),
    ranked("known that answers with text", { known: { answers: () => "abc" } }, "EVAL_BAD_FILTER", []),
    ranked("known that answers nothing", { known: { answers: () => undefined } }, "EVAL_BAD_FILTER", []),
    ranked("known that answers with ids out of range", { known: { answers: () => ids(99) } }, "EVAL_BAD_FILTER", "99"),
    ranked("known that answers with negative ids", { known: { answers: () => ids(-1) } }, "EVAL_BAD_FILTER", "-1"),
    ranked("known that answers twice the same", { known: { answers: () => ids(1, 1) } }, "EVAL_BAD_FILTER", []),
    ranked("no triples", { triples: undefined }, "EVAL_BAD_TRIPLES", "triples"),
    ranked("triples that are null", { triples: null }, "EVAL_BAD_TRIPLES", "triples"),
    ranked("triples as arrays of arrays", { triples: [[0, 0, 1]] }, "EVAL_BAD_TRIPLES", "triples"),
    ranked("an empty list", { triples: list(ids(), ids(), ids()) }, "EVAL_BAD_TRIPLES", "triples"),
    bad("a head out of range", { heads: ids(0, 4) }, ["triples.heads.1", "4"]),
    bad("a negative tail", { tails: ids(-1, 2) }, ["triples.tails.0", "-1"]),
    bad("a relation of the other direction", { relations: ids(0, 2) }, "triples.relations.1"),
    bad("plain arrays", { heads: [0, 1] }, "triples.heads"),
    bad("floats", { heads: Float32Array.of(0, 1) }, "triples.heads"),
    bad("columns of other lengths", { tails: ids(1) }, "triples.tails"),
    bad("no length", { length: undefined }, "triples.length"),
    bad("another length", { length: 7 }, "triples.heads"),
    ranked(
      "training triples out of range",
      { trainTriples: list(ids(9), ids(0), ids(1)) },
      "EVAL_BAD_TRIPLES",
      "trainTriples",
    ),
    ranked("training triples that are text", { trainTriples: "x" }, "EVAL_BAD_TRIPLES", "trainTriples"),
    ranked("scores of NaN", {}, "SCORE_NOT_FINITE", [], { ...scorer, scoreAll: (_h, _r, out) => out.fill(NaN) }),
    ranked("infinite scores", {}, "SCORE_NOT_FINITE", [], { ...scorer, scoreAll: (_h, _r, out) => out.fill(Infinity) }),
    ranked("scores that are not written", {}, "SCORE_NOT_FINITE", [], { ...scorer, scoreAll: () => undefined }),
    ranked("a rank that writes nothing", {}, "EVAL_BAD_COUNTS", "rank", { ...scorer, rank: () => undefined }),
    ranked("a rank that counts too many", {}, "EVAL_BAD_COUNTS", "rank", {
      ...scorer,
      rank: (_q, { greater, equal }) => greater.fill(99) && equal.fill(0),
    }),
    does("rankTriples: nothing", () => rankTriples(), "EVAL_BAD_OPTION", "scorer"),
    does("denseScorer: no entities", () => denseScorer(scores, 0), "EVAL_BAD_OPTION", "numEntities"),
    does("denseScorer: a plain array", () => denseScorer([0], 1), "EVAL_BAD_OPTION", "scores"),
    does(
      "denseScorer: a length that does not fit",
      () => denseScorer(new Float32Array(17), 4),
      "EVAL_BAD_OPTION",
      "scores",
    ),
    does("denseScorer: an empty table", () => denseScorer(new Float32Array(0), 4), "EVAL_BAD_OPTION", "scores"),
    does(
      "denseScorer: a small table for both sides",
      () => evaluate(denseScorer(new Float32Array(32).fill(1), 4), options),
      "EVAL_BAD_OPTION",
      "2R",
    ),
    does("denseScorer: no arguments", () => denseScorer(), "EVAL_BAD_OPTION", []),
    does("summarise: ranks of 0", () => summarise([0], 3), "EVAL_BAD_RANKS", "ranks.0"),
    does("summarise: ranks above the candidates", () => summarise([4], 3), "EVAL_BAD_RANKS", "ranks.0"),
    does("summarise: NaN", () => summarise([NaN], 3), "EVAL_BAD_RANKS", "ranks.0"),
    does("summarise: other lengths", () => summarise([1, 2], [3]), "EVAL_BAD_RANKS"),
    does("summarise: nothing", () => summarise(), "EVAL_BAD_OPTION", "ranks"),
    does("summarise: no candidates", () => summarise([1]), "EVAL_BAD_OPTION", "candidates"),
    does("summarise: Hits at -1", () => summarise([1], 3, [-1]), "EVAL_BAD_OPTION", "hitsAt"),
    does("teacherScorer: no teacher", () => teacherScorer(undefined, { entities: 4 }), "EVAL_BAD_OPTION", "teacher"),
    does("teacherScorer: no score", () => teacherScorer({}, { entities: 4 }), "EVAL_BAD_OPTION", "score"),
    does("teacherScorer: no entities", () => teacherScorer({ score: () => 0 }, {}), "EVAL_BAD_OPTION", "entities"),
    does("teacherScorer: no options", () => teacherScorer({ score: () => 0 }), "EVAL_BAD_OPTION", "entities"),
    does("knownAnswers: no lists", () => knownAnswers([], 4, 2), "EVAL_BAD_OPTION", []),
    does("knownAnswers: nothing", () => knownAnswers(), "EVAL_BAD_OPTION", []),
    does(
      "relationCategories: ids out of range",
      () => relationCategories(list(ids(9), ids(0), ids(1)), 4, 2),
      "EVAL_BAD_TRIPLES",
      "heads",
    ),
    does("relationCategories: nothing", () => relationCategories(), "EVAL_BAD_OPTION"),
    does(
      "ranksFromCounts: an unknown tie",
      () => ranksFromCounts({ greater: ids(0), equal: ids(0) }, "best"),
      "EVAL_BAD_OPTION",
      "tie",
    ),
    does("ranksFromCounts: nothing", () => ranksFromCounts(), "EVAL_BAD_OPTION"),
    does(
      "countRanks: scores of another length",
      () =>
        countRanks(
          new Float32Array(3),
          4,
          { heads: ids(0), relations: ids(0), targets: ids(1), filterOffsets: ids(0, 0), filterIds: ids() },
          { greater: ids(0), equal: ids(0) },
        ),
      "EVAL_BAD_OPTION",
      "scores",
    ),
    does(
      "countRanks: a target out of range",
      () =>
        countRanks(
          new Float32Array(4),
          4,
          { heads: ids(0), relations: ids(0), targets: ids(7), filterOffsets: ids(0, 0), filterIds: ids() },
          { greater: ids(0), equal: ids(0) },
        ),
      "EVAL_BAD_OPTION",
      "targets",
    ),
  ],
});
