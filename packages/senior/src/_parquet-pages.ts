// The reader of Parquet trusts the headers of pages: a damaged size sends it back, and it never ends.
import { MuldeError } from "@mulde/errors";
import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { deserializeTCompactProtocol } from "hyparquet/src/thrift.js";

// A page holds a megabyte or so; whatever claims more than this is damaged, and would only fill memory.
const largestPage = 1 << 28;

/**
 * Walks through the headers of all pages.
 *
 * @throws MuldeError SENIOR_TABLE_FILE if one does not fit into its column
 */
export async function checkPages(path: string, file: AsyncBuffer, { row_groups }: FileMetaData): Promise<void> {
  const damaged = (cause?: unknown): MuldeError =>
    new MuldeError("SENIOR_TABLE_FILE", "the file is damaged: a page has no sound header; write the file again.", {
      file: path,
      cause,
    });
  for (const { columns } of row_groups) {
    for (const { meta_data: column } of columns) {
      if (!column) throw damaged();
      const start = Number(column.dictionary_page_offset ?? column.data_page_offset);
      const length = Number(column.total_compressed_size);
      if (!(start >= 0 && length >= 0 && start + length <= file.byteLength)) throw damaged();
      const view = new DataView(await file.slice(start, start + length));
      const reader = { view, offset: 0 };
      while (reader.offset < length) {
        let header: Readonly<Record<string, unknown>>;
        try {
          header = deserializeTCompactProtocol(reader);
        } catch (cause) {
          throw damaged(cause);
        }
        const { field_2: unpacked, field_3: packed, field_5: first, field_8: second } = header;
        const { field_1: values = 0 } = (first ?? second ?? {}) as Readonly<Record<string, unknown>>;
        if (!isSize(unpacked, largestPage) || !isSize(packed, length - reader.offset)) throw damaged();
        if (!isSize(values, Number(column.num_values))) throw damaged();
        reader.offset += packed;
      }
    }
  }
}

function isSize(value: unknown, most: number): value is number {
  return typeof value === "number" && value >= 0 && value <= most;
}
