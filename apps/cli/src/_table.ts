import Table from "cli-table3";
import { paint } from "./_paint.js";
import { shown } from "./_printable.js";
import { columnsOf, lengthOf, pageWidth, shortened, wrapped } from "./_text.js";

/** A column of a table. */
export interface Column {
  readonly head: string;
  readonly align?: "left" | "right";
  /** Where its cells are cut if the table is too wide. Columns without it stay as they are. */
  readonly cut?: "middle" | "end";
  readonly dim?: boolean;
}

// A rule under the head and space between columns are enough.
const chars = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

// A column that is cut keeps this much, so that something of it can be read.
const leastWidth = 8;

/** Rows under headings as text for people, without a line end, in at most `width` columns if cutting can do it. */
export function table(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  width: number = columnsOf(process.stdout),
): string {
  const colours = paint(process.stdout);
  const rows = cells.map((row) => row.map(shown));
  const widths = fitted(columns, rows, width);
  const drawn = new Table({
    chars,
    colAligns: columns.map(({ align }) => align ?? "left"),
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  drawn.push(columns.map(({ head }) => colours.bold(head)));
  for (const row of rows) {
    drawn.push(
      row.map((cell, i) => {
        const { cut, dim } = columns[i]!;
        const text = cut ? shortened(cell, widths[i]!, cut) : cell;
        return dim ? colours.dim(text) : text;
      }),
    );
  }
  return drawn
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Each column's width: its longest cell's, less in columns that may be cut, from the last one on. */
function fitted(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): number[] {
  const widths = columns.map(({ head }, i) => Math.max(lengthOf(head), ...rows.map((row) => lengthOf(row[i]!))));
  let over = widths.reduce((sum, one) => sum + one, 2 * (columns.length - 1)) - width;
  for (let i = columns.length - 1; i >= 0 && over > 0; i--) {
    if (!columns[i]!.cut) continue;
    const less = Math.min(over, Math.max(0, widths[i]! - Math.max(leastWidth, lengthOf(columns[i]!.head))));
    widths[i]! -= less;
    over -= less;
  }
  return widths;
}

/** Three decimals, as the field's tables have them. */
export function metric(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : "-";
}

/** 1234567 as 1,234,567. */
export function whole(value: number): string {
  return value.toLocaleString("en-US");
}

/** Bytes in the unit that leaves few digits; powers of 1000, as disks count. */
export function size(bytes: number): string {
  for (const [unit, factor] of [
    ["GB", 1e9],
    ["MB", 1e6],
    ["kB", 1e3],
  ] as const) {
    if (bytes >= factor) return `${(bytes / factor).toFixed(bytes >= 100 * factor ? 0 : 1)} ${unit}`;
  }
  return `${bytes} B`;
}

/** Seconds as 4.2 s, 1 min 05 s or 2 h 10 min. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const rounded = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${two(rounded % 60)} s`;
  return `${Math.floor(rounded / 3600)} h ${two(Math.floor((rounded % 3600) / 60))} min`;
}

/** Seconds in few columns: 4.2 s, 12.5 min, 2.1 h. */
export function brief(seconds: number): string {
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  return seconds < 100 * 60 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** `name  value` lines with the values under each other, broken between words where they are long. */
export function fields(values: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(values).map((key) => key.length));
  return Object.entries(values)
    .map(([key, value]) => {
      const lines = value.split("\n").map((line) => wrapped(line, pageWidth - width - 2));
      return `${key.padEnd(width)}  ${lines.join("\n").replaceAll("\n", `\n${" ".repeat(width + 2)}`)}`;
    })
    .join("\n");
}
