// A synthetic graph as the files that a user would have.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { syntheticDataset } from "@mulde/datasets";

const splits = ["train", "valid", "test"];
// Triples written at once: a few megabytes.
const block = 1 << 17;

/** Writes train.tsv, valid.tsv and test.tsv, the last two of `held` triples each, into a directory. */
export async function writeGraph(directory, { entities, triples, held }) {
  const graph = syntheticDataset({ entities, triples, valid: held / triples, test: held / triples, seed: 1 });
  for (const split of splits) {
    const file = await open(join(directory, `${split}.tsv`), "wx");
    try {
      const { length } = graph[split];
      for (let begin = 0; begin < length; begin += block) {
        await file.write(lines(graph, graph[split], begin, Math.min(begin + block, length)));
      }
    } finally {
      await file.close();
    }
  }
}

function lines({ entities, relations }, { heads, relations: column, tails }, begin, end) {
  let text = "";
  for (let i = begin; i < end; i++) {
    text += `${entities.name(heads[i])}\t${relations.name(column[i])}\t${entities.name(tails[i])}\n`;
  }
  return text;
}
