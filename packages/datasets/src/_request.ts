import { MuldeError } from "@mulde/errors";

/** A failure that is worth another attempt. */
export class Passing extends Error {}

/** For `catch`: whatever the network did, with the innermost message, which `fetch` hides behind "fetch failed". */
export function passing(cause: unknown): never {
  let inner = cause;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  throw new Passing(inner instanceof Error ? inner.message : String(inner), { cause });
}

// Status codes that are worth another attempt: timeouts, too many requests, server failures.
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

// Hosts of files redirect once or twice.
const MAX_REDIRECTS = 5;

/**
 * Asks for a file and follows redirects to other HTTP servers. It returns answers with the file (200), a part of it (206) or none of it (416).
 * @throws MuldeError DATA_DOWNLOAD for an answer that another attempt will not change; `Passing` for others.
 */
export async function request(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  let target = url;
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(target, { headers, redirect: "manual", signal: signal ?? null }).catch(passing);
    const { status } = response;
    if (status === 200) refuseWebPage(url, response);
    if (status === 200 || status === 206 || status === 416) return response;
    await response.body?.cancel().catch(() => undefined);
    if (PASSING.has(status)) throw new Passing(`the server answered ${status}`);
    const location = response.headers.get("location");
    if (!REDIRECTS.has(status) || location === null) {
      throw refused(url, `the server answered ${status} ${response.statusText}`.trimEnd(), status);
    }
    if (redirects === MAX_REDIRECTS)
      throw refused(url, `the server redirects more than ${MAX_REDIRECTS} times`, status);
    target = redirected(url, target, location);
  }
}

function redirected(url: string, from: string, location: string): string {
  const target = URL.canParse(location, from) ? new URL(location, from) : undefined;
  // Never to a file of this machine, and never from a safe connection to one that anybody can change.
  const schemes = from.startsWith("https:") ? ["https:"] : ["http:", "https:"];
  if (target === undefined || !schemes.includes(target.protocol)) {
    throw refused(
      url,
      `the server redirects to ${JSON.stringify(location.slice(0, 200))}, which is not followed`,
      location,
    );
  }
  return target.href;
}

/** Servers of expired links and portals of hotels answer with a page, and call that success. No data set is one. */
function refuseWebPage(url: string, response: Response): void {
  const type = response.headers.get("content-type") ?? "";
  if (!/^\s*(text\/html|application\/xhtml\+xml)\b/i.test(type)) return;
  void response.body?.cancel().catch(() => undefined);
  throw refused(url, "the server answered with a web page instead of the file", type);
}

function refused(file: string, what: string, value: unknown): MuldeError {
  return new MuldeError(
    "DATA_DOWNLOAD",
    `${what}; set MULDE_DATASETS_MIRROR to a directory or URL that has the file.`,
    { file, value },
  );
}
