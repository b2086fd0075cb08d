import type { Digest, OpenFile } from "./_reading.js";

/** Where the files of a model are. */
export interface Folder {
  /** what errors call it */
  readonly name: string;
  /**
   * Opens a file.
   *
   * @param digest - What `config.json` says of the file.
   * @returns The file, and whether it has the digest.
   */
  open(name: string, digest?: Digest): Promise<{ readonly file: OpenFile; readonly intact: boolean }>;
}
