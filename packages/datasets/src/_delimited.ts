import { MuldeError } from "@mulde/errors";
import type { TripleBuilder } from "./_builder.js";
import { forEachLine, OLD_MAC } from "./_lines.js";
import { BAD_NAME, nameFault, NOT_UTF8, refuseName } from "./_names.js";
import type { Source } from "./_source.js";

const CR = 0x0d;

// An error quotes this many bytes of a wrong line.
const MAX_QUOTED = 80;

/**
 * Reads delimited text into a builder: three fields a line, in the order of `columns`.
 * @throws MuldeError DATA_MALFORMED_LINE and DATA_BAD_NAME with file and line, and what `forEachLine` throws.
 */
export async function readDelimited(
  builder: TripleBuilder,
  source: Source,
  columns: string,
  delimiter: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = source.name;
  const separator = Buffer.from(delimiter);
  const headAt = columns.indexOf("h");
  const relationAt = columns.indexOf("r");
  const tailAt = columns.indexOf("t");
  // Where the three fields of the current line start and end. Further fields are only counted.
  const starts = new Int32Array(3);
  const ends = new Int32Array(3);

  await forEachLine(source, signal, (bytes, start, end, line) => {
    const fields = splitFields(bytes, start, end, separator, starts, ends);
    if (fields !== 3) {
      throw malformed(
        path,
        line,
        bytes,
        start,
        end,
        `${fields} fields separated by ${JSON.stringify(delimiter)} instead of 3`,
      );
    }
    if (starts[0] === ends[0] || starts[1] === ends[1] || starts[2] === ends[2]) {
      throw malformed(path, line, bytes, start, end, "an empty field");
    }
    const head = builder.entities.intern(bytes, starts[headAt]!, ends[headAt]!);
    const relation = builder.relations.intern(bytes, starts[relationAt]!, ends[relationAt]!);
    const tail = builder.entities.intern(bytes, starts[tailAt]!, ends[tailAt]!);
    if (head === NOT_UTF8 || relation === NOT_UTF8 || tail === NOT_UTF8) {
      throw malformed(path, line, bytes, start, end, "bytes that are not UTF-8");
    }
    if (head === BAD_NAME || relation === BAD_NAME || tail === BAD_NAME) {
      const names = [0, 1, 2].map((field) => bytes.toString("utf8", starts[field], ends[field]));
      refuseName(names.find((name) => nameFault(name) !== undefined) ?? "", { file: path, line });
    }
    builder.push(head, relation, tail);
  });
}

/** Writes where the first three fields of a line start and end; returns the number of fields. */
function splitFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  separator: Uint8Array,
  starts: Int32Array,
  ends: Int32Array,
): number {
  const first = separator[0];
  const width = separator.length;
  let fields = 0;
  let from = start;
  for (let i = start; i <= end - width; i++) {
    if (bytes[i] !== first) continue;
    let k = 1;
    while (k < width && bytes[i + k] === separator[k]) k++;
    if (k < width) continue;
    if (fields < 3) {
      starts[fields] = from;
      ends[fields] = i;
    }
    fields++;
    from = i + width;
    i = from - 1;
  }
  if (fields < 3) {
    starts[fields] = from;
    ends[fields] = end;
  }
  return fields + 1;
}

function malformed(file: string, line: number, bytes: Buffer, start: number, end: number, what: string): MuldeError {
  const text = bytes.toString("utf8", start, Math.min(end, start + MAX_QUOTED));
  const fix = bytes.subarray(start, end).includes(CR)
    ? OLD_MAC
    : `correct the line, or set the options "delimiter" and "columns"`;
  return new MuldeError("DATA_MALFORMED_LINE", `${JSON.stringify(text)} has ${what}; ${fix}.`, {
    file,
    line,
    value: text,
  });
}
