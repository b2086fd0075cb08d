import { closest, MuldeError } from "@mulde/errors";
import type { KernelArgument } from "./engine.js";

// As native/arguments.h numbers them.
const faults = ["none", "count", "kind", "number", "length", "value", "order", "empty"] as const;

/** Six numbers: which fault, the argument's number, the position in it, the value there, and the limits it breaks. */
export type Fault = ArrayLike<number>;

const arrayKinds: Readonly<Record<string, string>> = {
  f: "a Float32Array",
  d: "a Float64Array",
  i: "an Int32Array",
};

/** The error for a call that the kernel refused; `signature` is the kernel's own (native/kernels.cc). */
export function faultError(
  kernel: string,
  signature: string,
  args: readonly KernelArgument[],
  fault: Fault,
): MuldeError {
  const [what, argument, position, value, least, most] = Array.from(fault) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [name = "", kind = ""] = signature.split(" ")[argument]!.split(":");
  const path = [kernel, ...name.split(".")];
  switch (faults[what]) {
    case "count":
      return new MuldeError("KERNELS_BAD_ARGUMENT", `Takes ${least} arguments, not ${value}.`, {
        path: [kernel],
        value,
      });
    case "kind": {
      const wanted = arrayKinds[kind.charAt(0)] ?? "a number";
      const given: unknown = args[argument];
      return new MuldeError("KERNELS_BAD_ARGUMENT", `Must be ${wanted}, not ${described(given)}.`, {
        path,
        value: given,
      });
    }
    case "number": {
      const rule = least === most ? `must be ${least}` : `must be a whole number from ${least} to ${most}`;
      return new MuldeError("KERNELS_BAD_SHAPE", `${value} ${rule}.`, { path, value });
    }
    case "length":
      return lengthError(path, value, least);
    case "empty":
      return new MuldeError("KERNELS_BAD_ORDER", `Query ${position - 1} has no label, but each needs one.`, {
        path: [...path, position],
        value,
      });
    case "order":
      return new MuldeError("KERNELS_BAD_ORDER", `${value} must be ${least} or more: values must not fall here.`, {
        path: [...path, position],
        value,
      });
    default: {
      const rule =
        most < least
          ? "is out of range: there are no rows"
          : least === most
            ? `must be ${least}`
            : `must be from ${least} to ${most}`;
      return new MuldeError("KERNELS_BAD_ID", `${value} ${rule}.`, { path: [...path, position], value });
    }
  }
}

function lengthError(path: readonly string[], length: number, needed: number): MuldeError {
  return new MuldeError("KERNELS_BAD_LENGTH", `Holds ${length} values, but these shapes need ${needed}.`, {
    path,
    value: length,
  });
}

/** Throws unless an array is long enough for shapes from which scratch memory will be sized; the kernel checks the rest. */
export function need(kernel: string, name: string, array: { readonly length: number }, length: number): void {
  // What is no array at all is left to the kernel.
  if (ArrayBuffer.isView(array) && array.length < length)
    throw lengthError([kernel, ...name.split(".")], array.length, length);
}

/** The error for a kernel that there is not. */
export function unknownKernel(kernel: string, known: Iterable<string>): MuldeError {
  const near = closest(kernel, known);
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  return new MuldeError("KERNELS_UNKNOWN", `There is no kernel "${kernel}".${hint}`, { value: kernel });
}

/** A value in an error message. */
function described(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a plain array";
  if (typeof value !== "object") return `a ${typeof value}`;
  // An object without a prototype has no constructor.
  const { constructor } = value as { readonly constructor?: { readonly name: string } };
  return constructor?.name ? `${/^[AEIOU]/.test(constructor.name) ? "an" : "a"} ${constructor.name}` : "an object";
}
