// Parts of a user's own are checked where they meet the step, so that a mistake is an error with the part's name.
import { MuldeError } from "@mulde/errors";
import type { Batch, CandidateBlock } from "./block.js";
import type { QuerySource } from "./parts.js";

/** A part by its name and its place among the parts. */
interface Part {
  readonly path: readonly (string | number)[];
  readonly part: object;
  readonly methods: readonly string[];
}

/**
 * Checks that parts have names, the functions of their kind and whole numbers K, and that those of one kind have different names, by which their
 * draws are seeded.
 *
 * @throws MuldeError TRAINER_PART
 */
export function checkShapes(
  kinds: Readonly<Record<string, { parts: readonly object[]; methods: readonly string[] }>>,
): void {
  for (const [kind, { parts, methods }] of Object.entries(kinds)) {
    if (!isList(parts)) throw refusal("they must be a list.", ["parts", kind]);
    const names = new Set<unknown>();
    parts.forEach((part, i) => {
      const path = ["parts", kind, i];
      checkShape({ path, part, methods });
      const { name } = part as { readonly name: string };
      if (names.has(name)) {
        throw refusal(`two of them are called "${name}"; give each a name of its own.`, path);
      }
      names.add(name);
    });
  }
}

function checkShape({ path, part, methods }: Part): void {
  const { name, K } = part as { readonly name?: unknown; readonly K?: unknown };
  if (typeof name !== "string" || name === "") {
    throw refusal("it has no name; give it one, for errors and the run's identity.", path);
  }
  const missing = methods.find((method) => typeof (part as Record<string, unknown>)[method] !== "function");
  if (missing !== undefined) throw refusal(`"${name}" has no function "${missing}".`, path);
  if (methods.includes("fill") && !(Number.isInteger(K) && (K as number) >= 1)) {
    throw refusal(`K of "${name}" must be a whole number from 1, but is ${String(K)}.`, path);
  }
}

/** How many entities there are, N, and relations without reciprocals, R. */
interface Sizes {
  readonly entities: number;
  readonly relations: number;
}

/**
 * Refuses queries of which columns differ in length, more than the source announced, and those that nobody can ask.
 *
 * @throws MuldeError TRAINER_PART
 */
export function checkDrawn(
  { name }: QuerySource,
  { heads, relations, tails }: Batch,
  most: number,
  { entities: N, relations: numRelations }: Sizes,
): void {
  const [B, R, T] = [heads.length, relations.length, tails.length];
  if (B !== R || B !== T) {
    throw refusal(`The query source "${name}" drew ${B} heads, ${R} relations and ${T} tails; draw as many of each.`);
  }
  if (B > most) {
    throw refusal(`The query source "${name}" drew ${B} queries, but its size is ${most}; draw as many as size says.`);
  }
  for (let b = 0; b < B; b++) {
    const [head, relation] = [heads[b]!, relations[b]!];
    if (head >= 0 && head < N && relation >= 0 && relation < 2 * numRelations) continue;
    throw refusal(
      `The query source "${name}" asks (${head}, ${relation}, ?); heads are 0 to ${N - 1}, relations 0 to ${2 * numRelations - 1}.`,
    );
  }
}

/**
 * Lets a part write into its block, and refuses it if it wrote between the rows, where other blocks are.
 *
 * @param array - the block's candidates or gradient
 * @throws MuldeError TRAINER_PART
 */
export function withinRows<T>(
  name: string,
  { K, stride }: CandidateBlock,
  array: Int32Array | Float32Array,
  write: () => T,
): T {
  const before = array.slice();
  const result = write();
  for (let i = 0; i < array.length; i++) {
    if (i % stride < K || Object.is(array[i], before[i])) continue;
    throw refusal(
      `"${name}" wrote beyond the ${K} values of a row, into another block; row b begins at b * stride and ends after K values.`,
    );
  }
  return result;
}

/** The error about the first candidate in some blocks that is no entity, or undefined. */
export function wrongId(
  blocks: readonly { readonly block: CandidateBlock; readonly source: string; readonly queries: string }[],
  { entities }: Pick<Sizes, "entities">,
): MuldeError | undefined {
  for (const { block, source, queries } of blocks) {
    const { K, stride, candidates } = block;
    const { heads, relations: rows } = block.queries;
    for (let b = 0; b < heads.length; b++) {
      const asked = `(${heads[b]}, ${rows[b]}, ?)`;
      for (const entity of candidates.subarray(b * stride, b * stride + K)) {
        if (entity >= 0 && entity < entities) continue;
        const reason = `The source "${source}" gave the candidate ${entity} for ${asked} of "${queries}"; entities are 0 to ${entities - 1}.`;
        return refusal(reason, [], entity);
      }
    }
  }
  return undefined;
}

function refusal(reason: string, path: readonly (string | number)[] = [], value?: unknown): MuldeError {
  return new MuldeError("TRAINER_PART", reason, { path, value });
}

/** Whether this is an array; keeps the type that the compiler knows. */
function isList(value: unknown): boolean {
  return Array.isArray(value);
}
