import { createHash } from "node:crypto";
import { MuldeError } from "@mulde/errors";
import type { TripleList } from "./triples.js";
import { checkTriples } from "./triples.js";
import type { Vocabulary } from "./vocabulary.js";

/** A knowledge graph with its splits. Ids are dense from 0. It stores no reciprocal relations; `withReciprocals` makes them. */
export interface Dataset {
  readonly name: string;
  readonly entities: Vocabulary;
  readonly relations: Vocabulary;
  readonly train: TripleList;
  readonly valid: TripleList;
  readonly test: TripleList;
  /** SHA-256 in hex of both vocabularies and the three splits. Equal ids and triples in equal order give equal fingerprints. */
  readonly fingerprint: string;
  /** A readable name for each entity id. */
  readonly labels?: readonly string[];
  /** A description (a gloss) for each entity id. */
  readonly descriptions?: readonly string[];
  readonly licence?: string;
  /** Where the data is from. */
  readonly source?: string;
}

/**
 * Makes a data set of its parts: checks them and computes the fingerprint.
 * @throws MuldeError DATA_ID_RANGE if a triple has an id outside the vocabularies, DATA_SHAPE unless there are as many labels and
 * descriptions as entities.
 */
export function createDataset(parts: Omit<Dataset, "fingerprint">): Dataset {
  for (const split of [parts.train, parts.valid, parts.test]) {
    checkTriples(split, parts.entities.size, parts.relations.size);
  }
  for (const field of ["labels", "descriptions"] as const) {
    const length = parts[field]?.length ?? parts.entities.size;
    if (length !== parts.entities.size) {
      throw new MuldeError(
        "DATA_SHAPE",
        `There are ${length} ${field} for ${parts.entities.size} entities; pass one for each entity.`,
        { path: [field] },
      );
    }
  }
  return { ...parts, fingerprint: fingerprint(parts) };
}

function fingerprint(parts: Omit<Dataset, "fingerprint">): string {
  // The version comes first, so that another way of hashing never gives the same fingerprint.
  const hash = createHash("sha256").update("mulde-dataset-1\n");
  for (const { size, ...vocabulary } of [contentsOf(parts.entities), contentsOf(parts.relations)]) {
    hash.update(Uint32Array.of(size)).update(vocabulary.ends).update(vocabulary.bytes);
  }
  for (const { heads, relations, tails, length } of [parts.train, parts.valid, parts.test]) {
    hash.update(Uint32Array.of(length)).update(heads).update(relations).update(tails);
  }
  return hash.digest("hex");
}

function contentsOf(vocabulary: Vocabulary): { size: number; bytes: Uint8Array; ends: Uint32Array } {
  return { size: vocabulary.size, ...vocabulary.contents() };
}
