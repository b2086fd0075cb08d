// Saves a model with random parameters into a folder.
import { createModel, NamedModel } from "@mulde/kge-models";

const entities = ["Köln", "Bonn", "Москва", "Алматы", "Gießen"];
const relations = ["in", "near"];
const model = await createModel({ model: "RotH", dim: 8, entities: 5, relations: 2, seed: 1 });
await new NamedModel(model, { entities, relations }).save(process.argv[2]);
