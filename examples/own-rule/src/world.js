// A small world: people live in cities, cities lie in countries, and every country has a capital.
import { createDataset, splitTriples, tripleList, Vocabulary } from "@mulde/datasets";

export const ontology = {
  relations: {
    livesIn: { domain: "person", range: "city" },
    liesIn: { domain: "city", range: "country" },
    hasCapital: { domain: "country", range: "city" },
    citizenOf: { domain: "person", range: "country" },
  },
  /** The names here say what an entity is. */
  typeOf: (name) => name.replace(/\d+$/, ""),
};

export function world() {
  const names = (type, count) => Array.from({ length: count }, (_, i) => `${type}${i}`);
  const entities = Vocabulary.fromNames([...names("person", 150), ...names("city", 40), ...names("country", 10)]);
  const relations = Vocabulary.fromNames(Object.keys(ontology.relations));
  const facts = [];
  const fact = (head, relation, tail) => facts.push([entities.id(head), relations.id(relation), entities.id(tail)]);
  for (let city = 0; city < 40; city++) fact(`city${city}`, "liesIn", `country${city % 10}`);
  for (let country = 0; country < 10; country++) fact(`country${country}`, "hasCapital", `city${country}`);
  for (let person = 0; person < 150; person++) {
    const city = (person * 7) % 40;
    fact(`person${person}`, "livesIn", `city${city}`);
    fact(`person${person}`, "citizenOf", `country${city % 10}`);
  }
  const column = (at) => Int32Array.from(facts, (triple) => triple[at]);
  const triples = tripleList(column(0), column(1), column(2));
  const splits = splitTriples(triples, entities.size, relations.size, { valid: 0.1, test: 0.1 });
  return createDataset({ name: "world", entities, relations, ...splits, source: "made by this example" });
}
