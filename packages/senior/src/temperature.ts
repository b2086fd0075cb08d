import { MuldeError } from "@mulde/errors";
import type { Teacher } from "./teacher.js";

/**
 * A teacher whose scores are divided by a temperature of its own: above 1 its softmax is flatter, below 1 sharper.
 *
 * @throws MuldeError SENIOR_TEMPERATURE for one that is not a finite number above 0
 */
export function withTemperature(teacher: Teacher, temperature: number): Teacher {
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new MuldeError(
      "SENIOR_TEMPERATURE",
      `The temperature of teacher "${teacher.name}" must be a finite number above 0, but is ${String(temperature)}.`,
    );
  }
  return {
    ...teacher,
    async score(heads, relations, candidates, out) {
      await teacher.score(heads, relations, candidates, out);
      for (let i = 0; i < out.length; i++) out[i]! /= temperature;
    },
  };
}
