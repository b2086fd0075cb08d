import { createHash } from "node:crypto";
import { MuldeError } from "@mulde/errors";
import { badArgument, checkString, isObject } from "./_arguments.js";
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
 * descriptions as entities, DATA_BAD_ARGUMENT if a part is missing or of a wrong kind.
 */
export function createDataset(parts: Omit<Dataset, "fingerprint">): Dataset {
  checkParts(parts);
  const { size } = parts.entities;
  for (const split of ["train", "valid", "test"] as const) {
    checkTriples(parts[split], size, parts.relations.size, [split]);
  }
  for (const field of ["labels", "descriptions"] as const) {
    const length = parts[field]?.length ?? size;
    if (length !== size) {
      throw new MuldeError(
        "DATA_SHAPE",
        `There are ${length} ${field} for ${size} entities; pass one for each entity.`,
        { path: [field] },
      );
    }
  }
  return { ...parts, fingerprint: fingerprint(parts) };
}

/** Types keep none of this out of JavaScript. Vocabularies check their names when they are made. */
function checkParts(parts: Omit<Dataset, "fingerprint">): void {
  if (!isObject(parts)) throw badArgument(["parts"], "must be an object", parts);
  checkString(parts.name, ["name"]);
  for (const field of ["licence", "source"] as const) {
    if (parts[field] !== undefined) checkString(parts[field], [field]);
  }
  for (const field of ["entities", "relations"] as const) {
    const vocabulary: unknown = parts[field];
    // Not instanceof: the vocabulary may be from another copy of this package.
    if (!isObject(vocabulary) || !("contents" in vocabulary)) {
      throw badArgument([field], "must be a Vocabulary (Vocabulary.fromNames makes one)", vocabulary);
    }
  }
  for (const field of ["labels", "descriptions"] as const) {
    const texts: unknown = parts[field];
    if (texts === undefined) continue;
    if (!Array.isArray(texts)) throw badArgument([field], "must be an array of strings", texts);
    texts.forEach((text: unknown, id) => {
      checkString(text, [field, id]);
    });
  }
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
