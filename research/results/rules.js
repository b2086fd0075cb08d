// How validation metrics change if the ranking leaves out answers that a rule takes to be wrong, a ledger line for each model:
//   node research/results/rules.js --data NAME [--functional 1.05] [--to DIR] RUN...
// `taken` leaves out entities that have their answer in a functional reciprocal relation, `heads` the query's own head (see `mulde distil
// --help`). --to is the folder of the ledger.
import { parseArgs } from "node:util";
import { indexAnswers, loadDataset } from "@mulde/datasets";
import { knownAnswers, rankTriples, summarise } from "@mulde/eval";
import { loadModel, modelScorer } from "@mulde/kge-models";
import { addLedgerLine, refuseAbsolute } from "./_tables.js";

const { values: flags, positionals: runs } = parseArgs({
  options: { data: { type: "string" }, functional: { type: "string", default: "1.05" }, to: { type: "string" } },
  allowPositionals: true,
});
refuseAbsolute([flags.data ?? "", ...runs]);

const { entities, relations, train, valid, test } = await loadDataset(flags.data);
const numRelations = relations.size;
const known = knownAnswers(entities.size, numRelations, train, valid, test);
const trained = indexAnswers(entities.size, numRelations, train);
const taken = takenEntities(Number(flags.functional));
const rules = {
  plain: known,
  taken: alsoOut((head, relation) => taken[(relation + numRelations) % (2 * numRelations)]),
  heads: alsoOut((head) => [head]),
};
console.log(broken());

for (const run of runs) {
  const { model, training } = await loadModel(run);
  const scorer = modelScorer(model);
  const ranked = {};
  for (const [name, filter] of Object.entries(rules))
    ranked[name] = await rankTriples(scorer, { triples: valid, numRelations, known: filter });
  const parts = Object.entries(ranked).map(([name, { head, tail }]) => {
    const { mrr, hits } = summarise([...head.ranks, ...tail.ranks], entities.size);
    return `${name} MRR ${mrr.toFixed(4)}, Hits@10 ${hits["10"].toFixed(4)}`;
  });
  const above = (100 * headsAbove(ranked)).toFixed(1);
  parts.push(...largeRelations(ranked.plain), `the head above the answer in ${above} % of queries`);
  const line = {
    data: flags.data,
    experiment: "rules",
    model: model.config.model,
    dimension: model.config.dim,
    seed: training.options.seed,
    command: `node research/results/rules.js ${process.argv.slice(2).join(" ")}`,
    note: `${run} on validation: ${parts.join("; ")}.`,
  };
  addLedgerLine(line, flags.to);
  model.dispose();
}

/** For each of the 2R relations, the entities that have an answer there, if it is functional: at most `most` answers a head on average. */
function takenEntities(most) {
  return Array.from({ length: 2 * numRelations }, (_, relation) => {
    const heads = Array.from({ length: entities.size }, (_, head) => head).filter((head) =>
      trained.hasAny(head, relation),
    );
    const answers = heads.reduce((sum, head) => sum + trained.answers(head, relation).length, 0);
    return new Set(answers <= most * heads.length ? heads : []);
  });
}

/** The usual filter, and what a rule leaves out besides; `rankTriples` never filters out the answer in question. */
function alsoOut(wrong) {
  return {
    answers: (head, relation) =>
      Int32Array.from(new Set([...known.answers(head, relation), ...wrong(head, relation)])).sort(),
  };
}

/** The MRR of either side, for each relation with at least a twentieth of the triples. */
function largeRelations(sides) {
  const mrr = (side, relation) => {
    const ranks = sides[side].ranks.filter((_, i) => valid.relations[i] === relation);
    return summarise(ranks, entities.size).mrr.toFixed(3);
  };
  return Array.from({ length: numRelations }, (_, relation) => relation)
    .filter((relation) => valid.relations.filter((other) => other === relation).length >= valid.length / 20)
    .map((r) => `"${relations.name(r)}" MRR of heads ${mrr("head", r)}, of tails ${mrr("tail", r)}`);
}

/** Counts the answers in question that are taken: the rule is wrong about them. */
function broken() {
  let asked = 0;
  let wrong = 0;
  valid.relations.forEach((relation, i) => {
    const sides = [
      [relation + numRelations, valid.tails[i]],
      [relation, valid.heads[i]],
    ];
    for (const [reciprocal, answer] of sides) {
      asked += Number(taken[reciprocal].size > 0);
      wrong += Number(taken[reciprocal].has(answer));
    }
  });
  return `answers in question that are taken: ${wrong} of ${asked} that could be`;
}

/** The share of queries whose own head outranks the answer: those that rank better without heads. */
function headsAbove({ plain, heads }) {
  const above = ["head", "tail"].map((side) =>
    plain[side].ranks.reduce((sum, rank, i) => sum + (rank > heads[side].ranks[i]), 0),
  );
  return (above[0] + above[1]) / (2 * valid.length);
}
