// Every argument of every kernel, as the signatures name them, gets what does not belong there. A kernel refuses it with the argument's path, or
// stays within its arrays: on the native engine, the process would end otherwise.
import { hasCode, type MuldeError } from "@mulde/errors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encoders, type kinds, signatures } from "../src/_generated.js";
import { createKernels, type Engine, encoderNames, type KernelArgument, type Kernels } from "../src/index.js";
import { sameBytes } from "./_bytes.js";
import { callEverything, type RecordedCall } from "./_calls.js";
import { engines } from "./_engines.js";

type Values = Float32Array | Int32Array | Float64Array;

interface Parameter {
  readonly name: string;
  readonly kind: keyof typeof kinds;
  readonly optional: boolean;
}

const kindOf = { f: "Float32Array", d: "Float64Array", i: "Int32Array" } as const;

/** The parameters of each kernel, from its signature. */
const parameters: ReadonlyMap<string, readonly Parameter[]> = new Map(
  Object.entries(signatures).map(([kernel, signature]) => [
    kernel,
    signature.split(" ").map((word): Parameter => {
      const [name, type = ""] = word.split(":") as [string, string?];
      const kind = type === "" ? "number" : kindOf[type.charAt(0) as keyof typeof kindOf];
      return { name, kind, optional: type.endsWith("?") };
    }),
  ]),
);

interface Place {
  readonly call: RecordedCall;
  readonly i: number;
  readonly value: KernelArgument;
  readonly parameter: Parameter;
  readonly path: readonly string[];
}

/** Every argument of some calls. */
function placesOf(calls: readonly RecordedCall[]): Place[] {
  return calls.flatMap((call) =>
    call.args.map((value, i): Place => {
      const parameter = parameters.get(call.kernel)![i]!;
      return { call, i, value, parameter, path: [call.kernel, ...parameter.name.split(".")] };
    }),
  );
}

/** Runs a call with one argument replaced; returns the error about an argument, if that is what comes of it. */
function tried(engine: Engine, { call, i }: Place, value: unknown): MuldeError | undefined {
  const args = call.args.map((arg, at) => {
    // Later cases must not see what this one writes.
    if (at === i) return value as KernelArgument;
    return arg;
  });
  try {
    engine.call(call.kernel, args);
    return undefined;
  } catch (error) {
    if (!hasCode(error, ...codes)) throw error;
    expect(error.path[0]).toBe(call.kernel);
    return error;
  }
}

// TypeScript's library here lacks what Node 20 has.
const transfer = structuredClone as (value: unknown, options: { readonly transfer: readonly unknown[] }) => unknown;
const resizable = (bytes: number) =>
  Reflect.construct(ArrayBuffer, [bytes, { maxByteLength: 2 * bytes }]) as ArrayBuffer & {
    resize(bytes: number): void;
  };

const codes = ["KERNELS_FREED", ...["ARGUMENT", "SHAPE", "LENGTH", "ID", "ORDER"].map((name) => `KERNELS_BAD_${name}`)];

/** Puts the values of a call's arrays back, so that each case begins with the same ones. */
function keeper(calls: readonly RecordedCall[]): (call: RecordedCall) => void {
  const arrays = new Map<Values, Values>();
  for (const { args } of calls) for (const arg of args) if (ArrayBuffer.isView(arg)) arrays.set(arg, arg.slice());
  return ({ args }) => {
    for (const arg of args) if (ArrayBuffer.isView(arg)) (arg as Float32Array).set(arrays.get(arg) as Float32Array);
  };
}

// With threads, since one alone runs the same code.
describe.each(engines)("on $name", ({ options, threads }) => {
  let own: Kernels | undefined;
  beforeAll(async () => {
    own = await createKernels({ ...options, threads: Math.max(...threads) });
  });
  afterAll(() => own?.close());
  const kernels = () => own!;

  const record = () => {
    const { engine } = kernels();
    const { calls, guarded } = callEverything(engine);
    return { engine, calls, guarded, places: placesOf(calls), restore: keeper(calls) };
  };

  it("the calls have every argument of every signature, each optional one both ways if it can be", () => {
    const seen = new Map<string, Set<string>>();
    for (const { value, parameter, path } of record().places) {
      const given = value === null ? "null" : typeof value === "number" ? "number" : value[Symbol.toStringTag];
      const where = path.join(".");
      seen.set(where, (seen.get(where) ?? new Set()).add(given));
      if (value !== null) expect(given, where).toBe(parameter.kind);
    }
    for (const [kernel, own] of parameters) {
      for (const { name, kind, optional } of own) {
        const given = seen.get(`${kernel}.${name}`)!;
        expect(given.has(kind), `${kernel}.${name}`).toBe(true);
        expect(!optional && given.has("null"), `${kernel}.${name}`).toBe(false);
      }
    }
  });

  it("null is refused, or harmless where a signature lets it stand for nothing", () => {
    const { engine, places, guarded, restore } = record();
    const missed = new Set<string>();
    for (const place of places) {
      if (place.value === null) continue;
      const error = tried(engine, place, null);
      restore(place.call);
      const where = place.path.join(".");
      if (error === undefined) missed.add(where);
      else expect(error.code, where).toMatch(/^KERNELS_BAD_(ARGUMENT|SHAPE|LENGTH|ID)$/);
      if (!place.parameter.optional)
        expect(error, where).toMatchObject({ code: "KERNELS_BAD_ARGUMENT", path: place.path });
    }
    expect(guarded()).toBe(true);
    // Biases, a table that an encoder does not need, gradients that nobody wants.
    for (const where of missed) {
      expect(where).toMatch(
        /\.(queries\.headBias|queries\.curvature|out\.curvature|bias|rows|ids|scores|out\.(relation|rotation|reflection|innerTranslation|context|diagonal)|items|counts)$/,
      );
    }
  });

  it("an array that was freed is refused by its name, as its own and as any other argument", () => {
    const { engine, places } = record();
    for (const place of places) {
      const { kind } = place.parameter;
      if (kind === "number") continue;
      const length = ArrayBuffer.isView(place.value) ? (place.value as Float32Array).length : 1;
      const make = { Float32Array: "float32", Float64Array: "float64", Int32Array: "int32" } as const;
      const freed = engine[make[kind as keyof typeof make]](length);
      engine.free(freed);
      expect(tried(engine, place, freed)).toMatchObject({ code: "KERNELS_FREED", path: place.path });
    }
  });

  it("an array whose memory was transferred, or shrank, counts as short", () => {
    const { engine, places, restore } = record();
    for (const place of places) {
      const { value } = place;
      if (!ArrayBuffer.isView(value) || value.length === 0) continue;
      const moved = value.slice();
      transfer(moved.buffer, { transfer: [moved.buffer] });
      const where = place.path.join(".");
      const error = tried(engine, place, moved);
      expect(error?.code, where).toMatch(/^KERNELS_BAD_(LENGTH|ID)$/);
      const bytes = value.BYTES_PER_ELEMENT;
      const buffer = resizable(value.byteLength);
      const Type = value.constructor as new (buffer: ArrayBuffer, offset: number) => Values;
      // It follows the buffer's length.
      const following = new Type(buffer, 0);
      buffer.resize(bytes);
      tried(engine, place, following);
      buffer.resize(0);
      expect(tried(engine, place, following)?.code, where).toMatch(/^KERNELS_BAD_(LENGTH|ID)$/);
      restore(place.call);
    }
  });

  it("arrays may stand anywhere: in shared memory, in their own, at odd addresses", () => {
    const { engine, calls, restore } = record();
    // What the arrays of a call hold after it, each array moved by `move`; one that is passed twice stays one.
    const after = (call: RecordedCall, move: (array: Values) => Values): Uint8Array[] => {
      restore(call);
      const moved = new Map<Values, Values>();
      const args = call.args.map((arg) => {
        if (!ArrayBuffer.isView(arg)) return arg;
        if (!moved.has(arg)) moved.set(arg, move(arg));
        return moved.get(arg)!;
      });
      engine.call(call.kernel, args);
      return args
        .filter((arg) => ArrayBuffer.isView(arg))
        .map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice());
    };
    const into = (buffer: ArrayBufferLike, offset: number, array: Values): Values => {
      const Type = array.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => Values;
      const copy = new Type(buffer, offset, array.length);
      (copy as Float32Array).set(array);
      return copy;
    };
    for (const call of calls) {
      // Time is not the same twice.
      if (call.kernel === "peak") continue;
      const usual = after(call, (array) => array);
      for (const offset of [0, 8, 24]) {
        const own = after(call, (array) => into(new ArrayBuffer(array.byteLength + offset), offset, array));
        usual.forEach((bytes, i) => expect(sameBytes(own[i]!, bytes), call.kernel).toBe(true));
        // A page has shared memory only if it is cross-origin isolated.
        if (typeof SharedArrayBuffer === "undefined") continue;
        const shared = after(call, (array) => into(new SharedArrayBuffer(array.byteLength + offset), offset, array));
        usual.forEach((bytes, i) => expect(sameBytes(shared[i]!, bytes), call.kernel).toBe(true));
      }
    }
  });

  it("sizes of zero are refused, or nothing is touched outside the arrays", () => {
    const { engine, places, guarded, restore } = record();
    for (const place of places) {
      if (place.parameter.kind !== "number") continue;
      const error = tried(engine, place, 0);
      restore(place.call);
      if (error) expect(error.code, place.path.join(".")).toMatch(/^KERNELS_BAD_(SHAPE|LENGTH|ID|ORDER|ARGUMENT)$/);
    }
    expect(guarded()).toBe(true);
  });

  it("numbers of any kind are refused, or nothing is touched outside the arrays", () => {
    const { engine, places, guarded, restore } = record();
    for (const place of places) {
      if (place.parameter.kind !== "number") continue;
      for (const wrong of [NaN, Infinity, -Infinity, -0, -1, 0.5, 1e-320, 1e300, 2 ** 31, -(2 ** 31), 2 ** 53]) {
        // A thread would be kept busy for minutes.
        if (place.path.join(".") === "peak.iterations" && wrong === 2 ** 31) continue;
        tried(engine, place, wrong);
        restore(place.call);
      }
    }
    expect(guarded()).toBe(true);
  });

  it("another similarity or encoder over the same arrays stays within them", () => {
    const { engine, places, guarded, restore } = record();
    const tries = { similarity: 4, encoder: encoderNames.length, kind: 2 };
    for (const place of places) {
      if (!Object.hasOwn(tries, place.parameter.name)) continue;
      for (let other = 0; other <= tries[place.parameter.name as keyof typeof tries]; other++) {
        tried(engine, place, other);
        restore(place.call);
      }
    }
    expect(guarded()).toBe(true);
  });

  it("values that are not finite move nothing outside the arrays", () => {
    const { engine, places, guarded, restore } = record();
    for (const place of places) {
      const { value } = place;
      if (!(value instanceof Float32Array || value instanceof Float64Array)) continue;
      for (const odd of [NaN, Infinity, -Infinity, 3e38, -3e38, 1e-45]) {
        for (const some of [true, false]) {
          const spoilt = value.slice();
          if (some) spoilt[spoilt.length >> 1] = odd;
          else spoilt.fill(odd);
          tried(engine, place, spoilt);
          // And in place, where the margins are.
          if (some) value[value.length >> 1] = odd;
          else value.fill(odd);
          tried(engine, place, value);
          restore(place.call);
        }
      }
    }
    expect(guarded()).toBe(true);
  });

  describe("dimensions", () => {
    it.each(encoderNames)("%s takes multiples of its group, up to the largest, and no other", (encoder) => {
      const { engine, calls } = record();
      const { id, group, part, tables } = encoders[encoder];
      for (const kernel of ["encode", "encodeBackward"]) {
        const call = calls.find((other) => other.kernel === kernel && other.args[0] === id)!;
        const own = parameters.get(kernel)!;
        for (const dim of [1, 2, 3, 4, 5, 6, 7, 8, 9, 1023, 1024, 1025]) {
          // All arrays have room for any of these.
          const args = call.args.map((arg, i): KernelArgument => {
            if (own[i]!.name === "tables.dim") return dim;
            if (arg instanceof Float32Array) return engine.float32(10 * 1040);
            return arg;
          });
          const run = () => {
            engine.call(kernel, args);
          };
          const path = [kernel, "tables", "dim"];
          if (dim <= 1024 && dim % group === 0) run();
          else expect(run, `${encoder} ${dim}`).toThrow(expect.objectContaining({ code: "KERNELS_BAD_SHAPE", path }));
          engine.free(...args.filter((arg) => ArrayBuffer.isView(arg)));
        }
      }
      expect([part >= 1, tables.length >= 1]).toEqual([true, true]);
    });
  });

  it("K may be as large as N, and no larger", () => {
    const { engine, calls } = record();
    for (const call of calls) {
      if (call.kernel !== "topK") continue;
      const own = parameters.get("topK")!;
      const at = (name: string) => own.findIndex((parameter) => parameter.name === name);
      const n = call.args[at("points.size")] as number;
      const size = call.args[at("queries.size")] as number;
      const args = [...call.args];
      args[at("ids")] = new Int32Array(size * (n + 1));
      args[at("scores")] = new Float32Array(size * (n + 1));
      args[at("stride")] = n + 1;
      args[at("k")] = n;
      engine.call("topK", args);
      args[at("k")] = n + 1;
      expect(() => engine.call("topK", args)).toThrow(
        expect.objectContaining({ code: "KERNELS_BAD_SHAPE", path: ["topK", "k"], value: n + 1 }),
      );
    }
  });
});
