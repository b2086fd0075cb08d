import { createHash } from "node:crypto";
import { MuldeError } from "@mulde/errors";
import type { TripleList } from "./triples.js";
import { checkTriples } from "./triples.js";
import type { Vocabulary } from "./vocabulary.js";

/** A knowledge graph with its splits. Ids are dense from 0; reciprocal relations are not stored (see `withReciprocals`). */
export interface Dataset {
  readonly name: string;
  readonly entities: Vocabulary;
  readonly relations: Vocabulary;
  readonly train: TripleList;
  readonly valid: TripleList;
  readonly test: TripleList;
  /** SHA-256 in hex over both vocabularies and the three splits, in order: equal ids and triples, equal fingerprint. */
  readonly fingerprint: string;
  /** A readable name for each entity id. */
  readonly labels?: readonly string[];
  /** A description (a gloss) for each entity id. */
  readonly descriptions?: readonly string[];
  readonly licence?: string;
  /** Where the data comes from. */
  readonly source?: string;
}

/**
 * A data set from its parts; checks them and takes the fingerprint.
 * @throws MuldeError DATA_ID_RANGE when a triple names an id outside the vocabularies, DATA_SHAPE when there are not as
 * many labels or descriptions as entities.
 */
export function createDataset(parts: Omit<Dataset, "fingerprint">): Dataset {
  for (const split of [parts.train, parts.valid, parts.test]) {
    checkTriples(split, parts.entities.size, parts.relations.size);
  }
  for (const field of ["labels", "descriptions"] as const) {
    const length = parts[field]?.length ?? parts.entities.size;
    if (length !== parts.entities.size) {
      throw new MuldeError("DATA_SHAPE", `There are ${length} ${field} for ${parts.entities.size} entities.`);
    }
  }
  return { ...parts, fingerprint: fingerprint(parts) };
}

function fingerprint(parts: Omit<Dataset, "fingerprint">): string {
  // The version stands first: another way of hashing must never give a fingerprint of this one.
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
