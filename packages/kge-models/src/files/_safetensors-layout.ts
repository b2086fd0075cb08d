import { MuldeError } from "@mulde/errors";
import { quoted } from "./_quoted.js";
import { isSize, maxHeaderBytes, prefixBytes, product } from "./_safetensors-header.js";
import { dtypeOf, type SafetensorsInput } from "./_safetensors-values.js";

/** A file that is to be written: its header, then the values of its tensors. */
export interface Layout {
  readonly header: Uint8Array;
  readonly data: readonly SafetensorsInput["data"][];
  /** of the whole file */
  readonly bytes: number;
}

/** Lays tensors out as Python's safetensors does: sorted by dtype (the widest first, so that all are aligned), then by name. */
export function layOut(
  tensors: Readonly<Record<string, SafetensorsInput>>,
  metadata?: Readonly<Record<string, string>>,
): Layout {
  const entries = Object.entries(tensors).sort(
    ([a, { data: x }], [b, { data: y }]) => y.BYTES_PER_ELEMENT - x.BYTES_PER_ELEMENT || (a < b ? -1 : 1),
  );
  let end = 0;
  const fields = entries.map(([name, { shape, data }]): [string, unknown] => {
    if (name === "__metadata__") {
      throw new MuldeError(
        "SAFETENSORS_NAME",
        'The format reserves the name "__metadata__"; give the tensor another one.',
      );
    }
    if (!shape.every(isSize) || product(shape) !== data.length) {
      throw new MuldeError(
        "SAFETENSORS_SHAPE",
        `The tensor ${quoted(name)} has ${data.length} values, but the shape [${shape.join(", ")}]; give the shape of its values.`,
      );
    }
    const start = end;
    end += data.byteLength;
    return [name, { dtype: dtypeOf(data), shape, data_offsets: [start, end] }];
  });
  // fromEntries, not assignment: a tensor may be called "__proto__".
  const header = Object.fromEntries(metadata ? [["__metadata__", metadata], ...fields] : fields);
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Spaces pad the JSON, so that the data begins at a multiple of 8.
  const length = Math.ceil(json.length / 8) * 8;
  if (length > maxHeaderBytes) {
    throw new MuldeError(
      "SAFETENSORS_HEADER",
      `The header would have ${length} bytes, and at most ${maxHeaderBytes} can be read back; write fewer tensors or less metadata.`,
    );
  }
  const bytes = new Uint8Array(prefixBytes + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, prefixBytes);
  return { header: bytes, data: entries.map(([, { data }]) => data), bytes: bytes.length + end };
}
