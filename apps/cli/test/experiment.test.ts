import { MuldeError } from "@mulde/errors";
import { expect, test } from "vitest";
import { readExperiment } from "../src/_experiment-file.js";

/** The place that an error names, and its reason. */
function wrong(text: string): Pick<MuldeError, "code" | "file" | "line" | "path" | "reason"> {
  try {
    readExperiment(text, "file.yaml");
  } catch (error) {
    if (error instanceof MuldeError) return error;
  }
  throw new Error("no error");
}

test("an experiment is read with its defaults", () => {
  const text = "data: UMLS\nteachers: [{ model: TransE }]\njunior: { model: { dim: 8 } }\n";
  const experiment = readExperiment(text, "file.yaml");
  expect(experiment).toMatchObject({ name: "experiment", data: "UMLS", teachers: [{ name: "TransE" }] });
  expect(experiment.junior).toMatchObject({ model: { name: "RotH", dim: 8 }, soft: { candidates: { k: 256 } } });
});

test("teachers may share options by YAML's merge keys", () => {
  const text =
    "data: UMLS\nteachers:\n  - &first { model: { name: RotH, dim: 64 }, epochs: 3 }\n" +
    "  - { <<: *first, name: other, model: { dim: 32 } }\njunior: {}\n";
  expect(readExperiment(text, "file.yaml").teachers).toMatchObject([
    { name: "RotH", options: { model: { name: "RotH", dim: 64 }, epochs: 3 } },
    { name: "other", options: { model: { name: "RotH", dim: 32 }, epochs: 3 } },
  ]);
});

test.each([
  [
    "a wrong value of a noun in a list",
    "data: UMLS\nteachers:\n  - model: RotH\n  - model:\n      name: RotH\n      dim: 0\njunior: {}\n",
    6,
    ["teachers", 1, "model", "dim"],
  ],
  ["a noun written short", "data: UMLS\nteachers: [{}]\njunior:\n  loss: no\n", 4, ["junior", "loss", "name"]],
  ["an unknown key", "data: UMLS\nteachers: [{}]\njunior:\n  epochs: 8\n  lambda: 1\n", 5, ["junior", "lambda"]],
  [
    "an unknown key of a noun",
    "data: UMLS\nteachers: [{}]\njunior:\n  model: { dim: 8 }\n  soft:\n    wait: 1\n",
    6,
    ["junior", "soft", "wait"],
  ],
  [
    "a wrong value in what another section shares",
    "data: UMLS\nteachers:\n  - name: own\n  - <<: &first\n      epochs: 0\n    name: other\njunior: {}\n",
    5,
    ["teachers", 1, "epochs"],
  ],
  [
    "a wrong value of a noun that is an alias",
    "data: UMLS\nteachers:\n  - model: RotH\njunior:\n  model: &small\n    dim: 7\nundistilled: { model: *small }\n",
    6,
    ["junior", "model", "dim"],
  ],
  ["an unknown key at the top", "data: UMLS\nseeds: 1\nteachers: [{}]\njunior: {}\n", 2, ["seeds"]],
  ["a wrong default", "data: UMLS\ndefaults:\n  epochs: x\nteachers: [{}]\njunior: {}\n", 3, ["defaults", "epochs"]],
  [
    "a wrong default of a noun",
    "data: UMLS\ndefaults:\n  optimizer:\n    clipNorm: -1\nteachers: [{ model: RotH }]\njunior: {}\n",
    4,
    ["defaults", "optimizer", "clipNorm"],
  ],
  [
    "a wrong value of a variant",
    "data: UMLS\nteachers: [{}]\njunior: {}\nvariants:\n  small:\n    epochs: 0\n",
    6,
    ["variants", "small", "epochs"],
  ],
  [
    "a clash that a variant has from the Junior",
    "data: UMLS\nteachers: [{}]\njunior:\n  soft: { queries: 1 }\nvariants:\n  small:\n    loss: 1vsAll\n",
    4,
    ["variants", "small", "soft", "queries"],
  ],
  ["a missing section", "# first\ndata: UMLS\nteachers: [{}]\n", 2, ["junior"]],
  ["a value of the wrong type", "data: 3\nteachers: [{}]\njunior: {}\n", 1, ["data"]],
  ["an unknown teacher", "data: UMLS\nteachers: [{}]\njunior:\n  teachers: [x]\n", 4, ["junior", "teachers"]],
  ["an empty file", "", 1, []],
])("%s is an error with its line and its path", (_, text, line, path) => {
  expect(wrong(text)).toMatchObject({ code: "TRAINER_OPTION", file: "file.yaml", line, path });
});

test("the line stands in the message, where editors find it", () => {
  expect(wrong("data: 3\nteachers: [{}]\njunior: {}\n")).toMatchObject({
    message: "file.yaml:1, data: must be text, but is 3; put it in quotes.",
  });
});

test.each([
  ["text that is no YAML", "data: UMLS\nteachers: [\njunior: {\n", expect.any(Number), /this is not YAML: .*column/],
  ["a key twice", "data: UMLS\ndata: Nations\n", 2, /unique.*\(column 1\)/],
  ["an alias of nothing", "data: UMLS\nteachers: [*none]\njunior: {}\n", 2, /this is not YAML: .*none/],
])("%s is an error of YAML", (_, text, line, reason) => {
  const error = wrong(text);
  expect(error).toMatchObject({ code: "CLI_YAML", file: "file.yaml", reason: expect.stringMatching(reason) as string });
  expect(error.line).toEqual(line);
});
