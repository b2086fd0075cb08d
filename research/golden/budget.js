// Runs for a fixed number of steps, whatever their options say.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKernels } from "@mulde/kernels";
import { createModel, decodeSafetensors, modelTeacher } from "@mulde/kge-models";
import { distil, train } from "@mulde/mulde-trainer";

/** Steps after which a run is stopped. */
const steps = 40;

/** Trains models for some steps, each combination of data, options and teachers once. */
export class Budget {
  #done = new Map();
  #kernels;
  /** the run under way: its first table, whose updates are its steps, how many there were, and what ends it */
  #run = { first: undefined, count: 0, stop: () => undefined };

  static async create() {
    const budget = new Budget();
    budget.#kernels = await createKernels();
    budget.#count();
    return budget;
  }

  /** A model trained on the facts: `{ name, options, tables, hash }`. */
  train(data, options, name = options.model.name) {
    return this.#once(data, options, [], name, (context) => train(options, context));
  }

  /** A Junior taught by models that this budget trained. */
  distil(data, options, by, name = "distilled") {
    return this.#once(data, options, by, name, async (context) => {
      const models = await Promise.all(by.map((teacher) => this.#model(data, teacher)));
      const teachers = models.map((model, i) => modelTeacher(model, by[i].name));
      return distil(options, { ...context, teachers, ...(options.soft.adaptFrom > 0 && { adapting: models }) });
    });
  }

  async #once(data, options, by, name, start) {
    const key = JSON.stringify([data.name, options, by.map(({ hash }) => hash)]);
    if (!this.#done.has(key)) this.#done.set(key, await this.#stopped(data, options, start));
    return { name, ...this.#done.get(key) };
  }

  /** The state of a run after its budget, from the checkpoint that it leaves. */
  async #stopped(data, options, start) {
    const folder = mkdtempSync(join(tmpdir(), "mulde-golden-"));
    try {
      const checkpoint = join(folder, "checkpoint.safetensors");
      const controller = new AbortController();
      const spent = new Error("the budget is spent");
      this.#run = { first: undefined, count: 0, stop: () => controller.abort(spent) };
      const context = {
        data,
        kernels: this.#kernels,
        checkpoint,
        checkpointMinutes: Infinity,
        signal: controller.signal,
      };
      const reason = await (
        await start(context)
      ).result.then(
        () => new Error(`A run of ${data.name} ended before its ${steps} steps: give it more epochs.`),
        (error) => error,
      );
      if (reason !== spent) throw reason;
      const { tensors } = decodeSafetensors(readFileSync(checkpoint), checkpoint);
      const now = Object.entries(tensors).filter(([table]) => table.startsWith("now."));
      const tables = new Map(now.map(([table, { data: values }]) => [table.replace(/^now\.(senior\.)?/, ""), values]));
      return { options, tables, hash: hashOf(tables) };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async #model(data, { options, tables }) {
    const { name: model, dim, curvature } = options.model;
    const [entities, relations] = [data.entities.size, data.relations.size];
    const made = await createModel({ model, dim, curvature, entities, relations, kernels: this.#kernels });
    // Entities without biases keep 0.
    for (const [table, { data: values }] of made.tables) if (tables.has(table)) values.set(tables.get(table));
    made.touch();
    return made;
  }

  #count() {
    for (const name of ["adam", "adagrad"]) {
      const update = this.#kernels[name].bind(this.#kernels);
      this.#kernels[name] = (table, ...rest) => {
        const finite = update(table, ...rest);
        const run = this.#run;
        run.first ??= table.parameters;
        if (table.parameters === run.first && ++run.count === steps) run.stop();
        return finite;
      };
    }
  }
}

/** SHA-256 of all tables' bytes, in the order of their names. */
function hashOf(tables) {
  const hash = createHash("sha256");
  for (const [, values] of [...tables].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(values);
  return hash.digest("hex");
}
