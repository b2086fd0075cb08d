import { expect, test } from "vitest";
import { readExperiment } from "../src/_experiment.js";

const wrong = (text: string): string => {
  try {
    readExperiment(text, "file.yaml");
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
};

test("an experiment is read with its defaults", () => {
  const experiment = readExperiment("data: UMLS\nteachers: [{ model: TransE }]\njunior: { dim: 8 }\n", "file.yaml");
  expect(experiment).toMatchObject({ name: "experiment", data: "UMLS", teachers: [{ name: "TransE" }] });
  expect(experiment.junior).toMatchObject({ model: "RotH", dim: 8, topK: 256 });
});

test("teachers may share options by YAML's merge keys", () => {
  const text =
    "data: UMLS\nteachers:\n  - &first { model: RotH, dim: 64 }\n  - { <<: *first, name: other, dim: 32 }\njunior: {}\n";
  expect(readExperiment(text, "file.yaml").teachers).toMatchObject([
    { name: "RotH", options: { model: "RotH", dim: 64 } },
    { name: "other", options: { model: "RotH", dim: 32 } },
  ]);
});

test.each([
  ["text that is no YAML", "data: UMLS\nteachers: [\njunior: {\n", /^file\.yaml:\d+:\d+: /],
  ["a key twice", "data: UMLS\ndata: Nations\n", /^file\.yaml:2:1: /],
  ["a value of the wrong type", "data: 3\nteachers: [{}]\njunior: {}\n", /^file\.yaml:1, data: /],
  [
    "a wrong value in a list",
    "data: UMLS\nteachers:\n  - model: RotH\n  - model: RotH\n    dim: 0\njunior: {}\n",
    /^file\.yaml:5, teachers\.1, dim: /,
  ],
  [
    "an unknown key",
    "data: UMLS\nteachers: [{}]\njunior:\n  dim: 8\n  lambda: 1\n",
    /^file\.yaml:5, junior: .*"lambda"/,
  ],
  [
    "a wrong value in what another section shares",
    "data: UMLS\nteachers:\n  - &first { model: RotH, dim: 0 }\n  - { <<: *first, name: other }\njunior: {}\n",
    /^file\.yaml:3, teachers\.0, dim: /,
  ],
  ["an unknown key at the top", "data: UMLS\nseeds: 1\nteachers: [{}]\njunior: {}\n", /^file\.yaml:2: .*"seeds"/],
  [
    "a wrong default",
    "data: UMLS\ndefaults:\n  epochs: x\nteachers: [{}]\njunior: {}\n",
    /^file\.yaml:3, teachers\.0, epochs: /,
  ],
  ["a missing section", "# first\ndata: UMLS\nteachers: [{}]\n", /^file\.yaml:2, junior: /],
  ["an empty file", "", /^file\.yaml:1: /],
])("%s is an error with its line", (_, text, message) => {
  expect(wrong(text)).toMatch(message);
});
