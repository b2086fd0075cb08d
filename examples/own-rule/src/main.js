// Trains a teacher, and distils a Junior from it twice: without and with a rule from the ontology.
import { modelTeacher } from "@mulde/kge-models";
import { distil, train } from "@mulde/mulde-trainer";
import { rangeRule } from "./ontology.js";
import { ontology, world } from "./world.js";

const data = world();
const options = { epochs: 60, batchSize: 64, negatives: 15, optimizer: { learningRate: 0.02 } };
const teacher = await train({ ...options, model: { name: "RotE", dim: 16 } }, { data }).result;
const teachers = [modelTeacher(teacher.model, "RotE")];
const rule = rangeRule(data, ontology);

for (const [name, parts] of Object.entries({ "without the rule": {}, "with the rule": { rules: [rule] } })) {
  const junior = { ...options, model: { name: "RotH", dim: 4 }, soft: { candidates: 32 } };
  const { model, best } = await distil(junior, { data, teachers, parts }).result;
  const wrong = wrongAnswers(model, 3);
  console.log(
    `${name.padEnd(16)}  validation MRR ${best.metrics.mrr.toFixed(3)}  wrong type among the top 3: ${wrong} %`,
  );
}

/** How many of the k best answers of all queries with a known type are of another type, in per cent. */
function wrongAnswers(model, k) {
  const R = data.relations.size;
  const asked = [];
  data.entities.names.forEach((name, head) => {
    data.relations.names.forEach((relation, r) => {
      const { domain, range } = ontology.relations[relation];
      if (ontology.typeOf(name) === domain) asked.push([head, r]);
      if (ontology.typeOf(name) === range) asked.push([head, r + R]);
    });
  });
  const [heads, relations] = [0, 1].map((at) => Int32Array.from(asked, (query) => query[at]));
  const { ids } = model.topK({ heads, relations }, k);
  const wrong = ids.filter((entity, i) => rule.isWrong(heads[Math.floor(i / k)], relations[Math.floor(i / k)], entity));
  return ((100 * wrong.length) / ids.length).toFixed(1);
}
