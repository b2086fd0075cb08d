import { MuldeError } from "@mulde/errors";
import type { Teacher } from "./teacher.js";

/**
 * A teacher whose scores are divided by a temperature: above 1 its softmax gets flatter, below 1 sharper.
 *
 * @throws MuldeError SENIOR_TEMPERATURE unless the temperature is a finite number above 0
 */
export function withTemperature(teacher: Teacher, temperature: number): Teacher {
  const { name, entities, relations, writesAll } = teacher;
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new MuldeError(
      "SENIOR_TEMPERATURE",
      `The temperature of teacher "${name}" must be a finite number above 0, but is ${String(temperature)}.`,
      { value: temperature },
    );
  }
  return {
    name,
    entities,
    relations,
    writesAll,
    async score(heads, rows, candidates, out, options) {
      await teacher.score(heads, rows, candidates, out, options);
      for (let i = 0; i < out.length; i++) out[i]! /= temperature;
    },
  };
}
