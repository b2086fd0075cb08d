import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type YAMLMap } from "yaml";
import { MuldeError } from "./_errors.js";

type Path = readonly (string | number)[];

/**
 * Adds the line to an error of `parseExperiment`: that of the field, of the place that it gets its value from, or of the innermost section
 * around it. Other errors come back as they are.
 */
export function placeOf(error: unknown, file: string, document: Document.Parsed, lines: LineCounter): unknown {
  if (!(error instanceof MuldeError) || error.line !== undefined) return error;
  const { line } = lines.linePos(offsetOf(document, error.path));
  return error.at({ file, line });
}

/** Where the field of a path stands, or where a section gets it from. */
function offsetOf(document: Document.Parsed, path: Path): number {
  for (const [section, fallbacks] of sectionsOf(path)) {
    const field = path.slice(section.length);
    // A noun may be written short, so that `model: RotH` is where model.name stands.
    for (let depth = field.length; depth > 0; depth--) {
      for (const base of [section, ...fallbacks]) {
        const offset = keyOffset(document, [...base, ...field.slice(0, depth)]);
        if (offset !== undefined) return offset;
      }
    }
  }
  for (let depth = path.length; depth > 0; depth--) {
    const offset = keyOffset(document, path.slice(0, depth));
    if (offset !== undefined) return offset;
  }
  // A document without contents has null there, whatever its type says.
  return isNode(document.contents) ? document.contents.range[0] : 0;
}

/** The section that a path leads into, with those below it that its options may come from. */
function sectionsOf([first, second]: Path): readonly (readonly [section: Path, fallbacks: readonly Path[]])[] {
  const defaults = ["defaults"];
  if (first === "teachers" && second !== undefined) return [[[first, second], [defaults]]];
  if (first === "variants" && second !== undefined)
    return [
      [
        [first, second],
        [["junior"], defaults],
      ],
    ];
  if (first === "undistilled") return [[[first], [["junior"], defaults]]];
  return first === "junior" ? [[[first], [defaults]]] : [];
}

/** Where a key stands, or the value at a list's position; undefined where the document has none. */
function keyOffset(document: Document.Parsed, path: Path): number | undefined {
  let at: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    if (isAlias(at)) at = at.resolve(document);
    if (isMap(at)) {
      const pair = pairOf(document, at, key);
      if (!pair) return undefined;
      at = pair.value;
      offset = isNode(pair.key) ? pair.key.range?.[0] : undefined;
    } else if (isSeq(at) && typeof key === "number") {
      at = at.items[key];
      offset = isNode(at) ? at.range?.[0] : undefined;
    } else {
      return undefined;
    }
  }
  return offset;
}

/** The pair of a key in a map, or in one that it takes in by a merge key (`<<: *other`). */
function pairOf(document: Document.Parsed, map: YAMLMap, key: string | number): YAMLMap["items"][number] | undefined {
  const own = map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
  if (own) return own;
  for (const { key: name, value } of map.items) {
    if (!isScalar(name) || name.source !== "<<") continue;
    for (const source of isSeq(value) ? value.items : [value]) {
      const merged: unknown = isAlias(source) ? source.resolve(document) : source;
      const found = isMap(merged) ? pairOf(document, merged, key) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}
