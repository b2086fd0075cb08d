import { type Document, isMap, isNode, isPair, isScalar, type LineCounter } from "yaml";
import { hasCode, MuldeError } from "./_errors.js";

/**
 * Adds the line to an error of `parseExperiment`, whose message is "FILE, section.0, field: reason": the line of that field, of
 * the field's place under `defaults`, or of the section. Other errors come back as they are.
 */
export function placeOf(error: unknown, file: string, document: Document.Parsed, lines: LineCounter): unknown {
  if (!hasCode(error, "TRAINER_OPTION") || !error.message.startsWith(file)) return error;
  const rest = error.message.slice(file.length);
  const [, sections = "", reason = ""] = /^((?:, [\w.-]+)*): (.*)$/s.exec(rest) ?? [];
  const unknown = /Unrecognized key: "([^"]+)"/.exec(reason)?.[1];
  const path = [...sections.split(/, |\./).filter((part) => part !== ""), ...(unknown === undefined ? [] : [unknown])];
  const offset =
    offsetOf(document, path) ?? offsetOf(document, ["defaults", path.at(-1) ?? ""]) ?? nearest(document, path);
  const { line } = lines.linePos(offset);
  return new MuldeError("TRAINER_OPTION", `${file}:${line}${rest}`, { cause: error });
}

/** Where the key of a path stands, or the value of a list's position. */
function offsetOf(document: Document.Parsed, path: readonly string[]): number | undefined {
  if (path.length === 0) return document.contents?.range?.[0];
  const keys = path.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const parent = document.getIn(keys.slice(0, -1), true) ?? (keys.length === 1 ? document.contents : undefined);
  const last = keys.at(-1)!;
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === last);
    return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  const value = document.getIn(keys, true);
  return isNode(value) ? value.range?.[0] : undefined;
}

/** The innermost section of a path that is there. */
function nearest(document: Document.Parsed, path: readonly string[]): number {
  for (let length = path.length - 1; length > 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== undefined) return offset;
  }
  return document.contents?.range?.[0] ?? 0;
}
