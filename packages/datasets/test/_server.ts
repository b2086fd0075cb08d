import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

export interface Server {
  readonly url: string;
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
}

/** A server on the loopback interface that is closed after the test. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, nth: number) => void,
): Promise<Server> {
  const requests: Server["requests"] = [];
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? "", headers: request.headers });
    answer(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** Answers like a file server with ranges that checks the ETag. */
export function sendFile(request: IncomingMessage, response: ServerResponse, content: Buffer, etag?: string): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const condition = request.headers["if-range"];
  if (etag !== undefined) response.setHeader("etag", etag);
  if (from > 0 && from >= content.length) {
    response.writeHead(416).end();
  } else if (from > 0 && (condition === undefined || condition === etag)) {
    const headers = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(206, { ...headers, "content-length": content.length - from }).end(content.subarray(from));
  } else {
    response.writeHead(200, { "content-length": content.length }).end(content);
  }
}
