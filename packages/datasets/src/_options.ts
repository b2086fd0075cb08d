import { MuldeError } from "@mulde/errors";
import type { z } from "zod";

/**
 * Options checked by their schema, with defaults filled in.
 * @throws MuldeError DATA_BAD_OPTION with the path and the value of the first wrong field.
 */
export function parseOptions<S extends z.ZodType>(schema: S, options: unknown): z.output<S> {
  const result = schema.safeParse(options ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? []).map((key) => (typeof key === "symbol" ? String(key) : key));
  throw new MuldeError("DATA_BAD_OPTION", `${issue?.message ?? "The options are wrong"}.`, {
    path,
    value: path.reduce<unknown>(
      (value, key) => (value as Record<string | number, unknown> | null | undefined)?.[key],
      options,
    ),
  });
}
