// Synthetic graphs with the shapes of the data sets that experiments name: no archive is needed, and nobody's data is hashed.
import { syntheticDataset } from "@mulde/datasets";

const shapes = {
  // entities, relations, triples
  whole: { WN18RR: [40943, 11, 93003], "FB15k-237": [14541, 237, 310116], "wordnet31-small": [4956, 11, 9023] },
  // A sixteenth, for tests; with few relations, so that each still has triples enough.
  small: { WN18RR: [2559, 11, 5813], "FB15k-237": [909, 60, 19382], "wordnet31-small": [620, 11, 1300] },
};

/** The graphs of one size by the names of the data sets, each made at its first use. */
export function graphs(size) {
  const made = new Map();
  return (name) => {
    if (!made.has(name)) {
      const [entities, relations, triples] = shapes[size][name];
      made.set(name, syntheticDataset({ entities, relations, triples, seed: 7 }));
    }
    return made.get(name);
  };
}
