import type { z } from "zod";
import { MuldeError } from "@mulde/errors";

/**
 * Options checked by their schema, defaults filled in.
 * @throws MuldeError DATA_BAD_OPTION naming the first wrong field.
 */
export function parseOptions<S extends z.ZodType>(schema: S, options: unknown): z.output<S> {
  const result = schema.safeParse(options ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join(".") || "options";
  throw new MuldeError("DATA_BAD_OPTION", `The option "${field}" is wrong: ${issue?.message ?? "unknown reason"}.`);
}
