// Ranks a scorer that is a function, with @mulde/eval alone.
import { evaluate, knownAnswers } from "@mulde/eval";

const triples = (...rows) => ({
  heads: Int32Array.from(rows, ([head]) => head),
  relations: Int32Array.from(rows, ([, relation]) => relation),
  tails: Int32Array.from(rows, ([, , tail]) => tail),
  length: rows.length,
});
const train = triples([0, 0, 1], [1, 0, 2], [2, 0, 3], [0, 1, 4]);
const test = triples([3, 0, 4], [1, 1, 3]);

/** Relation 0 means "the next one", so its reciprocal, 0 + 2, means "the one before". */
const scorer = {
  numEntities: 5,
  scoreAll(heads, relations, out) {
    heads.forEach((head, row) => {
      const wanted = head + (relations[row] < 2 ? 1 : -1);
      for (let entity = 0; entity < 5; entity++) out[row * 5 + entity] = -Math.abs(entity - wanted);
    });
  },
};

const { mrr, hits } = await evaluate(scorer, {
  triples: test,
  numRelations: 2,
  known: knownAnswers(5, 2, train, test),
});
console.log(JSON.stringify({ mrr, hits }));
