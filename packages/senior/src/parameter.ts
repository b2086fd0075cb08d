import { MuldeError } from "@mulde/errors";

/** A trainable array and its gradient. Any optimizer can train it; copying into `value` restores it from a checkpoint. */
export interface Parameter {
  /** Unique among a Senior's parameters. */
  readonly name: string;
  /** The shape of `value`, if it is a table; one row of all its values otherwise. One of the two numbers is enough. */
  readonly rows?: number | undefined;
  readonly width?: number | undefined;
  /** rows x width, row-major; any length of at least 1. */
  readonly value: Float32Array;
  /** As long as `value`; what the last step wrote. */
  readonly gradient: Float32Array;
}

/** A parameter with its shape: `value` and `gradient` hold rows x width values. */
export interface ParameterTable extends Parameter {
  readonly rows: number;
  readonly width: number;
}

/**
 * The parameters with their shapes, in the same order.
 *
 * @throws MuldeError SENIOR_PARAMETER for a missing or repeated name, values that are not a Float32Array, a gradient of another length, or
 *   a shape that does not hold the values
 */
export function parameterTables(parameters: readonly Parameter[]): readonly ParameterTable[] {
  const names = new Set<string>();
  return parameters.map((parameter, i) => {
    const { name, value, gradient } = parameter;
    const refuse = (reason: string): MuldeError =>
      new MuldeError("SENIOR_PARAMETER", reason, { path: ["parameters", typeof name === "string" && name ? name : i] });
    if (typeof (name as unknown) !== "string" || name === "") {
      throw refuse("a parameter of the scaling has no name; give it one, under which a checkpoint can keep it.");
    }
    if (names.has(name)) throw refuse("two parameters of the scaling have this name; give each a name of its own.");
    names.add(name);
    if (!(value instanceof Float32Array && gradient instanceof Float32Array && value.length > 0)) {
      throw refuse("value and gradient must be Float32Arrays of at least one value.");
    }
    if (value.length !== gradient.length) {
      throw refuse(
        `value holds ${String(value.length)} values, but gradient ${String(gradient.length)}; make them equally long.`,
      );
    }
    const rows = parameter.rows ?? (parameter.width === undefined ? 1 : value.length / parameter.width);
    const width = parameter.width ?? value.length / rows;
    if (!(Number.isInteger(rows) && Number.isInteger(width) && rows >= 1 && rows * width === value.length)) {
      throw refuse(`${String(rows)} rows x ${String(width)} values do not hold its ${String(value.length)} values.`);
    }
    return { name, rows, width, value, gradient };
  });
}
