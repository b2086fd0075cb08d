// The program of a thread, as text: Node.js and pages can then start it without a second file, which bundlers lose. The build writes
// `webWorker()` to dist/_worker.js too, for pages and bundlers that find it.

/** Runs an instance with the stack of its thread. The loop never returns. */
export const loop = `async function loop({ module, memory, stackTop }, ready) {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  exports.__stack_pointer.value = stackTop;
  ready();
  exports.workerLoop();
}
`;

/** For pages: a classic script or a module. Errors of promises do not reach the page, so they are sent. */
export const webWorker = (): string => `${loop}onmessage = ({ data }) => {
  loop(data, () => postMessage("ready")).catch((error) => postMessage(String(error)));
};
`;
