// A score that is NaN or infinite is never ranked, whatever ranks it, and each way names the same score.
import { evaluate, type Scorer, teacherScorer } from "@mulde/eval";
import { createModel, modelScorer, modelTeacher } from "@mulde/kge-models";
import { Senior, seniorTeacher } from "@mulde/senior";
import { expect, it } from "vitest";
import { evaluateModel } from "../../src/index.js";
import { knownAnswers } from "../../src/facts/data.js";
import { ring } from "../_planted.js";

const data = ring();
const entities = data.entities.size;
const options = { triples: data.test, numRelations: data.relations.size, known: knownAnswers(data) };

it.each([NaN, Infinity, -Infinity])("of an entity with a %d", async (value) => {
  const model = await createModel({ model: "RotH", dim: 8, entities, relations: data.relations.size, seed: 1 });
  const senior = new Senior({
    teachers: 1,
    relations: 2 * data.relations.size,
    kernels: { seniorStep: () => expect.fail("nothing is learnt here") },
  });
  const scorers: Record<string, Scorer> = {
    fused: modelScorer(model),
    plain: { ...modelScorer(model), rank: undefined },
    teacher: teacherScorer(modelTeacher(model), { entities }),
    senior: teacherScorer(seniorTeacher(senior, [modelTeacher(model)]), { entities }),
  };
  for (const entity of [0, 7, entities - 1]) {
    const { data: values, width } = model.table("entity");
    const before = values[entity * width]!;
    values[entity * width] = value;
    model.touch();
    const found = new Map<string, unknown>();
    for (const [name, scorer] of Object.entries(scorers)) {
      const error = await evaluate(scorer, options).then(
        () => undefined,
        (caught: unknown) => caught as { code: string; value: { entity?: number; candidate?: number } },
      );
      expect(error?.code, name).toBe(name === "senior" ? "SENIOR_TEACHER_NOT_FINITE" : "SCORE_NOT_FINITE");
      found.set(name, error!.value);
    }
    expect(found.get("plain")).toEqual(found.get("fused"));
    expect(found.get("teacher")).toEqual(found.get("fused"));
    await expect(evaluateModel(model, data)).rejects.toMatchObject({ code: "SCORE_NOT_FINITE" });
    values[entity * width] = before;
    model.touch();
  }
  for (const scorer of Object.values(scorers)) expect((await evaluate(scorer, options)).mrr).toBeGreaterThan(0);
});
