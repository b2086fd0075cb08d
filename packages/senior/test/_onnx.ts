/** Writes a small ONNX file as protobuf by hand (https://protobuf.dev/programming-guides/encoding/), with the field numbers of onnx.proto. */

type Field = readonly [number: number, value: number | string | Uint8Array];

/** A message of fields: whole numbers as varints, everything else by its length. */
function message(...fields: readonly Field[]): Uint8Array {
  const parts = fields.map(([number, value]) => {
    if (typeof value === "number") return Buffer.from([...varint(8 * number), ...varint(value)]);
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([...varint(8 * number + 2), ...varint(bytes.length)]), bytes]);
  });
  return Buffer.concat(parts);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

const FLOAT = 1;
const INT64 = 7;

/** ValueInfoProto: a name with an element type and named dimensions, which may have any size. */
function value(name: string, type: number, dims: readonly string[]): Uint8Array {
  const shape = message(...dims.map((dim): Field => [1, message([2, dim])]));
  return message([1, name], [2, message([1, message([1, type], [2, shape])])]);
}

/** NodeProto */
function node(operator: string, inputs: readonly string[], output: string, ...attributes: Uint8Array[]): Uint8Array {
  const named = inputs.map((input): Field => [1, input]);
  return message(...named, [2, output], [4, operator], ...attributes.map((attribute): Field => [5, attribute]));
}

/** TensorProto: one int64 in a vector of length 1. */
function constant(name: string, int: number): Uint8Array {
  return message([1, 1], [2, INT64], [7, Uint8Array.from(varint(int))], [8, name]);
}

/** A model of the inputs heads (B), relations (B) and candidates (B x K), int64, and the output scores = h + 10 r + 100 t, float32. */
export function onnxModel(): Uint8Array {
  const nodes = [
    node("Unsqueeze", ["heads", "one"], "h"),
    node("Unsqueeze", ["relations", "one"], "r"),
    node("Mul", ["r", "ten"], "10r"),
    node("Mul", ["candidates", "hundred"], "100t"),
    node("Add", ["h", "10r"], "query"),
    node("Add", ["query", "100t"], "sum"),
    // AttributeProto: name, i, type INT.
    node("Cast", ["sum"], "scores", message([1, "to"], [3, FLOAT], [20, 2])),
  ];
  const graph = message(
    ...nodes.map((each): Field => [1, each]),
    [2, "scores"],
    ...(["one 1", "ten 10", "hundred 100"] as const).map((pair): Field => {
      const [name, int] = pair.split(" ") as [string, string];
      return [5, constant(name, Number(int))];
    }),
    [11, value("heads", INT64, ["B"])],
    [11, value("relations", INT64, ["B"])],
    [11, value("candidates", INT64, ["B", "K"])],
    [12, value("scores", FLOAT, ["B", "K"])],
  );
  // ModelProto: ir_version 8, opset 13, where Unsqueeze takes its axes as an input.
  return message([1, 8], [7, graph], [8, message([2, 13])]);
}
