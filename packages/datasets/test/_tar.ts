import { Header } from "tar";

export interface Member {
  readonly path: string;
  readonly content?: string | Uint8Array;
  readonly type?: string;
  readonly linkpath?: string;
  /** A size that is not the content's. */
  readonly size?: number;
}

/** A tar archive written by hand, because no ordinary program writes what these tests need. */
export function tarOf(...members: readonly Member[]): Buffer {
  return Buffer.concat([...members.map(member), Buffer.alloc(1024)]);
}

function member({ path, content = "", type = "File", linkpath = "", size }: Member): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(512);
  const fields = { path, size: size ?? bytes.length, linkpath, mode: 0o644, mtime: new Date(0) };
  new Header({ ...fields, type: type as "File" }).encode(header, 0);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** A pax header that gives the next member this path. */
export function paxPath(path: string): Member {
  let length = path.length + 10;
  while (`${length} path=${path}\n`.length < length) length--;
  while (`${length} path=${path}\n`.length > length) length++;
  return { path: "PaxHeader/x", type: "ExtendedHeader", content: `${length} path=${path}\n` };
}
