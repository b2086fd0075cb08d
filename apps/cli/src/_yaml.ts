import { MuldeError } from "@mulde/errors";
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from "yaml";

/** A YAML text: its value, and where its parts stand. */
export interface Yaml {
  readonly value: unknown;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

// What is not printable in YAML 1.2 (production 1, c-printable).
const unprintable = /[^\t\n\r\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

// No experiment needs a tenth of it; deeper values would overflow the stack of whatever walks through them.
const deepest = 64;

/**
 * Reads a YAML text of one document. Parts may be shared by anchors and merge keys (`<<: *other`); nothing may contain itself, nor be
 * repeated so often that a small text becomes a large value.
 *
 * @throws MuldeError CLI_YAML with the line, but without a file
 */
export function parseYaml(text: string): Yaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, stringKeys: true });
  const refusal = (what: string, offset?: number, cause?: unknown): MuldeError => {
    const place = offset === undefined ? undefined : lines.linePos(offset);
    const column = place ? ` (column ${place.col})` : "";
    return new MuldeError("CLI_YAML", `this is not YAML: ${what}${column}.`, { line: place?.line, cause });
  };
  const odd = unprintable.exec(text);
  if (odd) throw refusal("it has a character that YAML does not allow; save it as plain text in UTF-8", odd.index);
  // A warning is about a tag or version that would be ignored.
  const [error] = [...document.errors, ...document.warnings];
  if (error) throw refusal(error.code === "RESOURCE_EXHAUSTION" ? tooDeep : error.message, error.pos[0], error);
  const fault = faultIn(document);
  if (fault) throw refusal(fault.what, fault.node?.range?.[0]);
  try {
    return { value: document.toJS() as unknown, document, lines };
  } catch (cause) {
    throw refusal("its aliases repeat too much; write out what differs", undefined, cause);
  }
}

const tooDeep = `it is nested more than ${deepest} levels deep`;

interface Fault {
  readonly what: string;
  readonly node: Node | undefined;
}

/** The first part of a document that has no value: too deep, an unknown or circular alias, a merge of what is no map. */
function faultIn(document: Document.Parsed): Fault | undefined {
  const inside = new Set<unknown>();
  const search = (node: unknown, depth: number): Fault | undefined => {
    if (depth > deepest) return { what: tooDeep, node: node as Node };
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target === undefined) return { what: `nothing before it has the anchor "${node.source}"`, node };
      return inside.has(target) ? { what: `the anchor "${node.source}" contains itself`, node } : undefined;
    }
    if (!isMap(node) && !isSeq(node)) return undefined;
    inside.add(node);
    for (const item of node.items) {
      const found = isPair(item)
        ? (search(item.key, depth + 1) ?? search(item.value, depth + 1) ?? wrongMerge(item, document))
        : search(item, depth + 1);
      if (found) return found;
    }
    inside.delete(node);
    return undefined;
  };
  return search(document.contents, 1);
}

function wrongMerge({ key, value }: Pair, document: Document.Parsed): Fault | undefined {
  if (!isScalar(key) || key.source !== "<<") return undefined;
  const sources = isSeq(value) ? value.items : [value];
  const good = sources.every((source) => isMap(isAlias(source) ? source.resolve(document) : source));
  return good ? undefined : { what: "only maps can be merged by <<", node: key };
}
