import { closest, described, MuldeError } from "@mulde/errors";
import { faults, signatures } from "./_generated.js";
import type { KernelArgument } from "./engine.js";

/** The names of the kernels, in order. */
export const kernelNames = /* @__PURE__ */ Object.keys(signatures);

/** What is wrong with a call, as six numbers: the fault, the argument, the position in it, the value, the least and the most it may be. */
export type Fault = ArrayLike<number>;

const arrayKinds: Readonly<Record<string, string>> = {
  f: "a Float32Array",
  d: "a Float64Array",
  i: "an Int32Array",
};

/** The name and kind of an argument, from its kernel's signature. */
function parameter(kernel: string, argument: number): { readonly path: readonly string[]; readonly kind: string } {
  const signature = signatures[kernel as keyof typeof signatures];
  const [name = "", kind = ""] = (signature.split(" ")[argument] ?? "").split(":");
  return { path: [kernel, ...name.split(".")], kind };
}

/** The error for a call the kernel refused. */
export function faultError(kernel: string, args: readonly KernelArgument[], fault: Fault): MuldeError {
  const numbers = Array.from(fault) as [number, number, number, number, number, number];
  const [what, argument, position, value, least, most] = numbers;
  const { path, kind } = parameter(kernel, argument);
  const at = [...path, position];
  switch (what) {
    case faults.count:
      return new MuldeError("KERNELS_BAD_ARGUMENT", `Takes ${least} arguments, not ${value}.`, {
        path: [kernel],
        value,
      });
    case faults.kind: {
      const wanted = arrayKinds[kind.charAt(0)] ?? "a number";
      const given: unknown = args[argument];
      const reason = `Must be ${wanted}, not ${described(given)}.`;
      return new MuldeError("KERNELS_BAD_ARGUMENT", reason, { path, value: given });
    }
    case faults.number: {
      const rule = least === most ? `must be ${least}` : `must be a whole number from ${least} to ${most}`;
      return new MuldeError("KERNELS_BAD_SHAPE", `${value} ${rule}.`, { path, value });
    }
    case faults.length:
      return lengthError(path, value, least);
    case faults.order:
      return new MuldeError("KERNELS_BAD_ORDER", `${value} must be ${least} or more: the list has to ascend.`, {
        path: at,
        value,
      });
    case faults.empty:
      return new MuldeError("KERNELS_BAD_ORDER", `Query ${position - 1} has no label, but each needs one.`, {
        path: at,
        value,
      });
    default:
      return new MuldeError("KERNELS_BAD_ID", `${value} ${rangeRule(least, most)}.`, { path: at, value });
  }
}

function rangeRule(least: number, most: number): string {
  if (most < least) return "is out of range: there are no rows";
  return least === most ? `must be ${least}` : `must be from ${least} to ${most}`;
}

function lengthError(path: readonly string[], length: number, needed: number): MuldeError {
  return new MuldeError("KERNELS_BAD_LENGTH", `Holds ${length} values, but these shapes need ${needed}.`, {
    path,
    value: length,
  });
}

/** Throws if an array is too short for sizes that scratch memory depends on. The kernel checks everything else. */
export function need(kernel: string, name: string, array: { readonly length: number }, length: number): void {
  // The kernel refuses what is not an array.
  if (ArrayBuffer.isView(array) && array.length < length) {
    throw lengthError([kernel, ...name.split(".")], array.length, length);
  }
}

/** The error for an array that was freed. */
export function freedError(kernel: string, argument: number): MuldeError {
  const { path } = parameter(kernel, argument);
  return new MuldeError("KERNELS_FREED", "This array was freed. Keep it until the last call that uses it.", {
    path,
  });
}

/** Refuses what is no object where a call needs one with arrays and numbers in it. */
export function checkParts(kernel: string, parts: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(parts)) {
    if (typeof value === "object" && value !== null) continue;
    const reason = `Must be an object, not ${described(value)}.`;
    throw new MuldeError("KERNELS_BAD_ARGUMENT", reason, { path: [kernel, name], value });
  }
}

/** The position of a name in a list or an object's keys. */
export function numberOf<N extends string>(
  path: readonly string[],
  names: Readonly<Record<N, number>> | readonly N[],
  name: N,
): number {
  const list: readonly string[] = Array.isArray(names) ? (names as readonly N[]) : Object.keys(names);
  const at = list.indexOf(name);
  if (at >= 0) return at;
  const reason = `"${name}" is none of ${list.join(", ")}.${suggestion(name, list)}`;
  throw new MuldeError("KERNELS_BAD_ARGUMENT", reason, { path, value: name });
}

/** The number of a kernel. */
export function kernelNumber(kernel: string): number {
  numbers ??= new Map(kernelNames.map((name, i) => [name, i]));
  const at = numbers.get(kernel);
  if (at !== undefined) return at;
  const reason = `There is no kernel "${kernel}".${suggestion(kernel, kernelNames)}`;
  throw new MuldeError("KERNELS_UNKNOWN", reason, { value: kernel });
}
let numbers: ReadonlyMap<string, number> | undefined;

function suggestion(name: string, names: Iterable<string>): string {
  const near = closest(name, names);
  return near === undefined ? "" : ` Did you mean "${near}"?`;
}
