// Ranks a validation split three times: plainly, without the answers that the rule `functional` calls wrong (`taken`), and without each
// query's own head (`heads`). Writes a ledger line for each model:
//   node research/results/rules.js --data NAME [--functional 1.05] [--to DIR] RUN...
// RUN is the directory of a saved model, --to the folder of the ledger.
import { parseArgs } from "node:util";
import { indexAnswers, loadDataset } from "@mulde/datasets";
import { knownAnswers, rankTriples, summarise } from "@mulde/eval";
import { modelScorer, openModel } from "@mulde/kge-models";
import { functional, ownHead } from "@mulde/mulde-trainer";
import { addLedgerLine, refuseAbsolute } from "./_tables.js";

const { values: flags, positionals: runs } = parseArgs({
  options: { data: { type: "string" }, functional: { type: "string", default: "1.05" }, to: { type: "string" } },
  allowPositionals: true,
});
refuseAbsolute([flags.data ?? "", ...runs]);

const data = await loadDataset(flags.data);
const { entities, relations, train, valid, test } = data;
const numRelations = relations.size;
const known = knownAnswers(entities.size, numRelations, train, valid, test);
const trained = indexAnswers(entities.size, numRelations, train);
const most = Number(flags.functional);
const taken = functional(trained, most);
const filters = { plain: known, taken: without(taken), heads: without(ownHead(trained)) };
console.log(exceptions());

for (const run of runs) {
  const { model, training } = await openModel(run, { data });
  const scorer = modelScorer(model);
  const ranked = {};
  for (const [name, filter] of Object.entries(filters))
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

/** The usual filter, which also leaves out what a rule calls wrong. `rankTriples` always keeps the answer in question. */
function without(rule) {
  return {
    answers: (head, relation) => {
      const left = new Set(known.answers(head, relation));
      for (let entity = 0; entity < entities.size; entity++) {
        if (rule.isWrong(head, relation, entity)) left.add(entity);
      }
      return Int32Array.from(left).sort();
    },
  };
}

/** The MRR of both sides, for each relation with at least a twentieth of the triples. */
function largeRelations(sides) {
  const mrr = (side, relation) => {
    const ranks = sides[side].ranks.filter((_, i) => valid.relations[i] === relation);
    return summarise(ranks, entities.size).mrr.toFixed(3);
  };
  return Array.from({ length: numRelations }, (_, relation) => relation)
    .filter((relation) => valid.relations.filter((other) => other === relation).length >= valid.length / 20)
    .map((r) => `"${relations.name(r)}" MRR of heads ${mrr("head", r)}, of tails ${mrr("tail", r)}`);
}

/** How many answers in question the rule `functional` calls wrong, of those in a relation to which it applies. */
function exceptions() {
  const means = trained.answersPerQuery();
  let asked = 0;
  let wrong = 0;
  valid.relations.forEach((relation, i) => {
    const back = relation + numRelations;
    const [head, tail] = [valid.heads[i], valid.tails[i]];
    const sides = [
      { query: [head, relation], answer: tail, mean: means[back] },
      { query: [tail, back], answer: head, mean: means[relation] },
    ];
    for (const { query, answer, mean } of sides) {
      asked += Number(mean > 0 && mean <= most);
      wrong += Number(taken.isWrong(...query, answer));
    }
  });
  return `answers in question that are taken: ${wrong} of ${asked} that could be`;
}

/** The share of queries whose own head outranks the answer: they rank better without it. */
function headsAbove({ plain, heads }) {
  const above = ["head", "tail"].map((side) =>
    plain[side].ranks.reduce((sum, rank, i) => sum + (rank > heads[side].ranks[i]), 0),
  );
  return (above[0] + above[1]) / (2 * valid.length);
}
