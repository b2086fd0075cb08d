// Preloaded by trials (node --import): the kernels use the addon that SANITIZED_ADDON names in place of the built one, and each of their
// arrays lies alone in memory of exactly its size. Engines align and pad their arrays, so that a sanitizer would miss what reads a little
// past the end.
const addon = process.env.SANITIZED_ADDON;
const dlopen = process.dlopen;

process.dlopen = (module, file, ...flags) => {
  if (!/mulde-[\w-]+\.node$/.test(file)) return dlopen.call(process, module, file, ...flags);
  dlopen.call(process, module, addon, ...flags);
  const { load } = module.exports;
  module.exports.load = (isa, threads) => {
    const loaded = load(isa, threads);
    return loaded && { ...loaded, call: alone(loaded.call) };
  };
};

/** A call whose arrays are copied there and back. */
function alone(call) {
  return (kernel, ...args) => {
    // Arguments that are the same memory stay so.
    const copies = new Map();
    const copied = args.map((arg) => {
      try {
        return ArrayBuffer.isView(arg) ? copyOf(arg, copies) : arg;
      } catch {
        // Its memory is gone, which the addon has to notice.
        return arg;
      }
    });
    const fault = call(kernel, ...copied);
    for (const { from, copy } of copies.values()) writeBack(from, copy);
    return fault;
  };
}

const numbers = new WeakMap();
let buffers = 0;

function copyOf(array, copies) {
  const { buffer, byteOffset, byteLength, length } = array;
  if (!numbers.has(buffer)) numbers.set(buffer, buffers++);
  const key = `${numbers.get(buffer)} ${byteOffset} ${byteLength}`;
  if (!copies.has(key)) {
    const copy = new ArrayBuffer(byteLength);
    new Uint8Array(copy).set(new Uint8Array(buffer, byteOffset, byteLength));
    copies.set(key, { from: array, copy });
  }
  return new array.constructor(copies.get(key).copy, 0, length);
}

/** Only what a kernel changed goes back: arrays may be parts of one another. */
function writeBack({ buffer, byteOffset, byteLength }, copy) {
  const unit = byteLength % 4 === 0 && byteOffset % 4 === 0 ? Uint32Array : Uint8Array;
  const size = byteLength / unit.BYTES_PER_ELEMENT;
  const [there, here] = [new unit(buffer, byteOffset, size), new unit(copy)];
  const before = there.slice();
  for (let i = 0; i < size; i++) if (here[i] !== before[i]) there[i] = here[i];
}
