// An error quotes the start of a text: enough to find it by.
const QUOTED = 40;

/**
 * What was given, in a few words for a message, whatever its size: `must be a list, but is ${described(value)}.`
 *
 * `3`, `"a text in quotes"`, `an empty string`, `an array`, `an object`, `a Float32Array`, `a function`, `null`.
 */
export function described(value: unknown): string {
  switch (typeof value) {
    case "bigint":
      return `${value}n`;
    case "string":
      return value === "" ? "an empty string" : quoted(value);
    case "object":
      return value === null ? "null" : kindOf(value);
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    default:
      return String(value);
  }
}

function quoted(text: string): string {
  return text.length > QUOTED ? `${JSON.stringify(text.slice(0, QUOTED))}...` : JSON.stringify(text);
}

/** An object by its class; one without a prototype, or with an unusual one, has none. */
function kindOf(value: object): string {
  if (Array.isArray(value)) return "an array";
  const prototype = Object.getPrototypeOf(value) as { readonly constructor?: { readonly name?: unknown } } | null;
  const name = prototype?.constructor?.name;
  if (typeof name !== "string" || name === "" || name === "Object") return "an object";
  // Not before U: "a Uint8Array", "a URL".
  return `${/^[aeio]/i.test(name) ? "an" : "a"} ${name}`;
}
