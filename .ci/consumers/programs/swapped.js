// Swaps the teachers: a function of one's own, and a table that is read from a file.
import { createDataset, splitTriples, tripleList, Vocabulary } from "@mulde/datasets";
import { distil } from "@mulde/mulde-trainer";
import { functionTeacher, recordScores, scoreTable } from "@mulde/senior";
import { readScores, writeScores } from "@mulde/senior/parquet";

// Twenty-four hours; relation r leads r + 1 hours on, and relation r + R as many back.
const [hours, steps] = [24, 3];
const facts = Array.from({ length: hours * steps }, (_, i) => [i % hours, Math.floor(i / hours)]);
const triples = tripleList(
  Int32Array.from(facts, ([hour]) => hour),
  Int32Array.from(facts, ([, step]) => step),
  Int32Array.from(facts, ([hour, step]) => (hour + step + 1) % hours),
);
const data = createDataset({
  name: "clock",
  entities: Vocabulary.fromNames(Array.from({ length: hours }, (_, hour) => `${hour} h`)),
  relations: Vocabulary.fromNames(["+1", "+2", "+3"]),
  ...splitTriples(triples, hours, steps, { valid: 0.1, test: 0.1 }),
});

const distance = (hour, relation, tail) => {
  const step = relation < steps ? relation + 1 : steps - relation - 1;
  const apart = (((tail - hour - step) % hours) + hours) % hours;
  return -Math.min(apart, hours - apart);
};
const clock = functionTeacher("clock", (heads, relations, candidates) => {
  const K = candidates.length / heads.length;
  return Float32Array.from(candidates, (tail, i) =>
    distance(heads[Math.floor(i / K)], relations[Math.floor(i / K)], tail),
  );
});

const all = Array.from({ length: hours * 2 * steps }, (_, i) => i);
const heads = Int32Array.from(all, (i) => i % hours);
const relations = Int32Array.from(all, (i) => Math.floor(i / hours));
const recorded = await recordScores(clock, { heads, relations, entities: hours, top: 5 });
const file = process.argv[2];
await writeScores(file, recorded);
const teachers = [clock, scoreTable("recorded", await readScores(file))];

const { best } = await distil(
  {
    model: { name: "RotE", dim: 8 },
    epochs: 40,
    batchSize: 32,
    negatives: 23,
    optimizer: { learningRate: 0.03 },
    soft: { candidates: 8 },
  },
  { data, teachers },
).result;
console.log(JSON.stringify({ mrr: best.metrics.mrr }));
