// Reads what the kernels tell of themselves (native/abi.h) from the WebAssembly module.
/* global WebAssembly */

/** @returns {Promise<{ abi: number, facts: { subject: string, name: string, value: number }[] }>} */
export async function readFacts(bytes) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65_536, shared: true });
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  // The module for one thread has its own memory.
  const { buffer } = instance.exports.memory ?? memory;
  const { abi, facts, factSubject, factName, factValue } = instance.exports;
  const text = (address) => {
    const rest = new Uint8Array(buffer, address);
    return String.fromCharCode(...rest.subarray(0, rest.indexOf(0)));
  };
  return {
    abi: abi() >>> 0,
    facts: Array.from({ length: facts() }, (_, i) => ({
      subject: text(factSubject(i)),
      name: text(factName(i)),
      value: factValue(i),
    })),
  };
}
