// How a model's validation metrics change where answers that a rule holds for wrong are left out of the ranking, a ledger line for each model:
//   node results/rules.js --data NAME [--functional 1.05] RUN...
// `taken` leaves out entities that have their answer in a functional reciprocal relation, `heads` the query's own head (see `mulde distil --help`).
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { parseArgs } from "node:util";
import { indexAnswers, loadDataset } from "@mulde/datasets";
import { evaluate, knownAnswers, rankTriples } from "@mulde/eval";
import { loadModel, modelScorer } from "@mulde/kge-models";
import { addLedgerLine } from "./_tables.js";

const { values: flags, positionals: runs } = parseArgs({
  options: { data: { type: "string" }, functional: { type: "string", default: "1.05" } },
  allowPositionals: true,
});
const absolute = runs.find(isAbsolute);
if (absolute !== undefined) throw new Error(`The ledger is committed: give ${absolute} relative to the repository.`);

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
  const { model } = await loadModel(run);
  const scorer = modelScorer(model);
  const parts = [];
  for (const [name, filter] of Object.entries(rules)) {
    const { mrr, hits, byRelation } = await evaluate(scorer, { triples: valid, numRelations, known: filter });
    parts.push(`${name} MRR ${mrr.toFixed(4)}, Hits@10 ${hits["10"].toFixed(4)}`);
    if (filter === known) parts.push(...byRelation.filter(isLarge).map(bySide));
  }
  parts.push(`the head above the answer in ${(100 * (await headsAbove(scorer))).toFixed(1)} % of queries`);
  const config = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
  addLedgerLine({
    data: flags.data,
    experiment: "rules",
    model: config.model,
    dimension: config.dim,
    seed: config.training.options.seed,
    command: `node results/rules.js ${process.argv.slice(2).join(" ")}`,
    note: `${run} on validation: ${parts.join("; ")}.`,
  });
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

/** The usual filter, and what a rule leaves out beside it; `rankTriples` never filters out the answer in question. */
function alsoOut(wrong) {
  return {
    answers: (head, relation) =>
      Int32Array.from(new Set([...known.answers(head, relation), ...wrong(head, relation)])).sort(),
  };
}

/** Few enough relations to name: those of a twentieth of the triples. */
function isLarge({ head }) {
  return head.ranks >= valid.length / 20;
}

function bySide({ relation, head, tail }) {
  return `${relations.name(relation)} MRR of heads ${head.mrr.toFixed(3)}, of tails ${tail.mrr.toFixed(3)}`;
}

/** How many answers in question are taken, so that the rule is wrong about them. */
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

/** Part of the queries whose own head outranks the answer: those that rank better where heads are left out. */
async function headsAbove(scorer) {
  const [plain, without] = await Promise.all(
    [rules.plain, rules.heads].map((filter) => rankTriples(scorer, { triples: valid, numRelations, known: filter })),
  );
  const above = ["head", "tail"].map((side) =>
    plain[side].ranks.reduce((sum, rank, i) => sum + (rank > without[side].ranks[i]), 0),
  );
  return (above[0] + above[1]) / (2 * valid.length);
}
