import { totalmem } from "node:os";
import { MuldeError } from "@mulde/errors";
import { z } from "zod";
import { DistinctTriples } from "./_distinct.js";
import { parseOptions } from "./_options.js";
import { Random } from "./_random.js";
import type { Dataset } from "./dataset.js";
import { createDataset } from "./dataset.js";
import type { SplitOptions } from "./split.js";
import { parseSplitOptions, splitTriples } from "./split.js";
import type { TripleList } from "./triples.js";
import { Vocabulary } from "./vocabulary.js";

/** The size and shape of a synthetic graph, and how to split it. One seed serves both. */
export interface SyntheticOptions extends SplitOptions {
  /** The number of entities, 2 to 2^26. Each is in at least one triple. */
  readonly entities: number;
  /** The number of distinct triples of all splits, at least the number of entities, at most 2^26. */
  readonly triples: number;
  /** The number of relations. Each is in at least one triple. Default 20. */
  readonly relations?: number | undefined;
  /** The exponent of the entities' degrees, 2 to 10; a smaller one is more uneven. Default 2.5. */
  readonly exponent?: number | undefined;
  /** The exponent of the relations' frequencies, 2 to 10. Default 2, Zipf's law. */
  readonly relationExponent?: number | undefined;
}

// Beyond this share of all possible triples, nearly every draw would repeat a likely triple.
const MAX_DENSITY = 0.1;

// Three times Wikidata5M's triples, and far below the limit of a hash table with 31-bit positions and two slots per triple.
const count = z.int().max(2 ** 26);

// Measured with one and four million triples and up to a million entities: 69 to 102 bytes a triple, 50 an entity.
const BYTES_PER_TRIPLE = 100;
const BYTES_PER_ENTITY = 100;
// Degrees with an exponent below 2 have no finite mean: nearly all triples would link the same few entities.
const exponent = z.number().min(2).max(10);

const schema = z
  .object({
    entities: count.min(2),
    triples: count.min(1),
    relations: count.min(1).default(20),
    exponent: exponent.default(2.5),
    relationExponent: exponent.default(2),
  })
  .refine(({ entities, relations, triples }) => triples >= Math.max(entities, relations), {
    path: ["triples"],
    message: "each entity and each relation needs a triple of its own; ask for more triples",
  })
  .refine(({ entities, relations, triples }) => triples <= MAX_DENSITY * entities * (entities - 1) * relations, {
    path: ["triples"],
    message: `may be at most ${MAX_DENSITY} of all triples that these entities and relations allow`,
  });

/**
 * A random graph with power-law degrees, for benchmarks and tests: P(degree = k) falls as k^-exponent, and the frequencies of the relations
 * fall likewise. It is the static model of Goh, Kahng and Kim (Phys. Rev. Lett. 87, 278701, 2001): the entity of rank i has the weight i^-a with
 * a = 1 / (exponent - 1), and both ends of a triple are drawn by weight, independently. Ranks are assigned to ids at random, so a hub can
 * have any id; relation j has rank j. Each entity first gets one triple, so that all occur.
 *
 * Triples are distinct, and none links an entity to itself. `splitTriples` splits them, so train has every entity and relation. Names are `e0`,
 * `e1`, ... and `r0`, `r1`, ... There is nothing to learn but the degrees.
 *
 * @throws MuldeError DATA_BAD_OPTION with the first wrong option, or if the graph needs more memory than the machine has.
 */
export function syntheticDataset(options: SyntheticOptions): Dataset {
  const shape = parseOptions(schema, options);
  // Check first, because a large graph takes seconds to draw.
  const split = parseSplitOptions(options);
  checkMemory(shape);
  const { entities, relations } = shape;
  const triples = drawTriples(shape, new Random(split.seed));
  return createDataset({
    name: `synthetic-${entities}-${triples.length}`,
    entities: Vocabulary.fromNames(numbered("e", entities)),
    relations: Vocabulary.fromNames(numbered("r", relations)),
    ...splitTriples(triples, entities, relations, split),
    source: "drawn at random by the static model of Goh, Kahng and Kim (2001)",
  });
}

/** A graph that cannot fit would fill the machine's memory for minutes before it fails. */
function checkMemory({ entities, triples }: z.output<typeof schema>): void {
  const needed = entities * BYTES_PER_ENTITY + triples * BYTES_PER_TRIPLE;
  const limit = process.constrainedMemory();
  // Without a limit of its own, a process is told 0 or a number beyond all memory.
  const there = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  if (needed <= there) return;
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  throw new MuldeError(
    "DATA_BAD_OPTION",
    `${triples} triples of ${entities} entities need about ${gigabytes(needed)} GB, and there are ${gigabytes(there)}; ask for a smaller graph.`,
    { path: ["triples"], value: triples },
  );
}

function drawTriples(shape: z.output<typeof schema>, random: Random): TripleList {
  const { entities, relations, triples } = shape;
  const rankOf = powerLaw(entities, shape.exponent);
  const relationOf = powerLaw(relations, shape.relationExponent);
  const ids = Int32Array.from({ length: entities }, (_, id) => id);
  random.shuffle(ids);
  const entity = (): number => ids[rankOf(random)]!;

  const drawn = new DistinctTriples(triples);
  while (drawn.length < triples) {
    const next = drawn.length;
    // The first triples make every entity and every relation occur.
    const head = next < entities ? next : entity();
    const relation = next < relations ? next : relationOf(random);
    const tail = entity();
    if (head !== tail) drawn.add(head, relation, tail);
  }
  return drawn.triples();
}

/**
 * Samples ranks 0..n-1 with weights (rank + 1)^-a, a = 1 / (exponent - 1), in constant time: it inverts the distribution function of the
 * density x^-a on [1, n + 1) and rounds down.
 */
function powerLaw(n: number, exponent: number): (random: Random) => number {
  const power = 1 - 1 / (exponent - 1);
  const whole = (n + 1) ** power - 1;
  return (random) => {
    const u = random.next() / 2 ** 32;
    // At exponent 2 the density is 1 / x, which integrates to the logarithm.
    const x = power === 0 ? (n + 1) ** u : (1 + u * whole) ** (1 / power);
    // Rounding may take x past n.
    return Math.min(Math.floor(x), n) - 1;
  };
}

function* numbered(letter: string, count: number): Generator<string> {
  for (let id = 0; id < count; id++) yield `${letter}${id}`;
}
