import { MuldeError } from "@mulde/errors";
import type { TripleList } from "./triples.js";

/** @throws MuldeError EVAL_BAD_OPTION unless `value` is a positive integer. */
export function checkCount(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new MuldeError("EVAL_BAD_OPTION", `${name} is ${String(value)}; give a positive integer.`);
}

/**
 * Checks that the columns have one length and every id its range, since a typed array would answer a wrong id with silence.
 *
 * @param what - What the list is to the caller, for the message: "triples", "trainTriples", "split 0".
 * @throws MuldeError EVAL_BAD_TRIPLES that names the column and the triple.
 */
export function checkTriples(triples: TripleList, numEntities: number, numRelations: number, what: string): void {
  const columns = [
    ["head", triples.heads, numEntities],
    ["relation", triples.relations, numRelations],
    ["tail", triples.tails, numEntities],
  ] as const;
  for (const [name, column, count] of columns) {
    if (column.length !== triples.length) {
      throw new MuldeError(
        "EVAL_BAD_TRIPLES",
        `The ${name} column of ${what} has ${String(column.length)} entries but its length is ${String(triples.length)}; give three columns of one length.`,
      );
    }
    for (let i = 0; i < column.length; i++) {
      const id = column[i]!;
      if (id >= 0 && id < count) continue;
      const fix =
        name === "relation"
          ? "triples carry the plain relations, reciprocal ids are made from them"
          : "encode the triples with the vocabulary that the scorer was trained with";
      throw new MuldeError(
        "EVAL_BAD_TRIPLES",
        `The ${name} ${String(id)} of triple ${String(i)} of ${what} is outside 0..${String(count - 1)}; ${fix}.`,
      );
    }
  }
}
