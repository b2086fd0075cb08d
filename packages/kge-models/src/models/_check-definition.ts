import { closest, described, MuldeError } from "@mulde/errors";
import { maxDim as largestDim } from "@mulde/kernels";
import { reservedTables } from "./_reserved-tables.js";
import type { ModelDefinition, RelationTable } from "./definition.js";
import { SIMILARITIES } from "./similarity.js";

/** Names go into config.json, into safetensors files and onto command lines. */
const NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;

const nameRule = 'a letter followed by letters, digits, "_", "." or "-"';

const definitionFields: Readonly<Record<keyof ModelDefinition, true>> = {
  name: true,
  similarity: true,
  components: true,
  dimMultiple: true,
  maxDim: true,
  initialScale: true,
  tables: true,
  encode: true,
  fused: true,
};

const tableFields: Readonly<Record<keyof RelationTable, true>> = { rows: true, width: true, init: true };

/** What a caller without types may pass in place of a T. */
type Unchecked<T> = { readonly [K in keyof T]?: unknown };

/**
 * Checks all of a definition that can be checked without running `encode`.
 *
 * @throws MuldeError MODELS_DEFINITION whose path names the field
 */
export function checkDefinition(definition: ModelDefinition): void {
  const given: Unchecked<ModelDefinition> = definition;
  if (!isObject(given)) throw refusal([], "A definition must be an object.", given);
  const { name } = given;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw refusal(["name"], `must be ${nameRule}, but is ${described(name)}.`, name);
  }
  checkFields([name], given, definitionFields);
  const { similarity, dimMultiple, components = 1, maxDim, initialScale, encode, tables } = given;
  const refuse = (field: keyof ModelDefinition, rule: string): MuldeError =>
    refusal([name, field], `must be ${rule}, but is ${described(given[field])}.`, given[field]);

  if (!SIMILARITIES.some((known) => known === similarity)) {
    throw refuse("similarity", `one of ${SIMILARITIES.join(", ")}`);
  }
  if (!isPower(dimMultiple)) throw refuse("dimMultiple", "1, 2 or 4");
  if (!isPower(components)) throw refuse("components", "1, 2 or 4");
  if (maxDim !== undefined && !(isWhole(maxDim) && maxDim >= dimMultiple)) {
    throw refuse("maxDim", `a whole number from dimMultiple (${dimMultiple}) on, or left out`);
  }
  if (
    initialScale !== undefined &&
    !(typeof initialScale === "number" && initialScale > 0 && initialScale < Infinity)
  ) {
    throw refuse("initialScale", "a positive number, or left out");
  }
  if (typeof encode !== "function") throw refuse("encode", "a function (tf, inputs) => tensor");
  if (!isObject(tables)) throw refuse("tables", "an object of tables by name, {} where there are none");
  const dims = sampleDims(dimMultiple, Math.min(largestDim, maxDim ?? largestDim));
  for (const [table, fields] of Object.entries(tables)) checkTable(name, table, fields, dims);
}

function checkTable(model: string, table: string, fields: unknown, dims: readonly number[]): void {
  const path = [model, "tables", table];
  if (!NAME.test(table)) {
    throw refusal(path, `must have a name of ${nameRule}.`, table);
  }
  if (reservedTables.some((reserved) => reserved === table)) {
    throw refusal(
      path,
      `is the name of a table that Mulde keeps for itself (${reservedTables.join(", ")}); give yours another name.`,
      table,
    );
  }
  if (!isObject(fields)) throw refusal(path, "must be an object { width, init, rows? }.", fields);
  checkFields(path, fields, tableFields);
  const { rows, width, init }: Unchecked<RelationTable> = fields;
  if (rows !== undefined && rows !== "one") {
    throw refusal([...path, "rows"], `must be "one" or left out, but is ${described(rows)}.`, rows);
  }
  if (init !== "normal" && init !== "uniform") {
    throw refusal([...path, "init"], `must be "normal" or "uniform", but is ${described(init)}.`, init);
  }
  if (typeof width !== "function") {
    throw refusal([...path, "width"], `must be a function (dim) => number, but is ${described(width)}.`, width);
  }
  for (const dim of dims) {
    const value: unknown = (width as (dim: number) => unknown)(dim);
    if (isWhole(value) && value >= 1) continue;
    throw refusal(
      [...path, "width"],
      `must give a whole number from 1, but gives ${described(value)} for dimension ${dim}; set dimMultiple if dim must be even or a multiple of 4.`,
      value,
    );
  }
}

/** Two neighbouring dimensions in the usual range, so that a width such as dim / 2 shows where it is not whole. */
function sampleDims(multiple: number, most: number): number[] {
  const usual = [16 * multiple, 17 * multiple].filter((dim) => dim <= most);
  return usual.length > 0 ? usual : [most - (most % multiple)];
}

function checkFields(path: readonly string[], given: object, known: Readonly<Record<string, true>>): void {
  const odd = Object.keys(given).find((field) => !Object.hasOwn(known, field));
  if (odd === undefined) return;
  const names = Object.keys(known);
  const near = closest(odd, names);
  const hint = near === undefined ? `the fields are ${names.join(", ")}.` : `did you mean ${near}?`;
  throw refusal([...path, odd], `is not a known field; ${hint}`, odd);
}

function refusal(path: readonly string[], reason: string, value: unknown): MuldeError {
  return new MuldeError("MODELS_DEFINITION", reason, { path, value });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}

function isPower(value: unknown): value is 1 | 2 | 4 {
  return value === 1 || value === 2 || value === 4;
}
