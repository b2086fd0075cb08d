import { type Dataset, loadDataset, type LoadOptions } from "@mulde/datasets";
import type { Output } from "./_output.js";
import { DownloadBar } from "./_bars.js";
import { whole } from "./_table.js";
import { wrapped } from "./_text.js";

/** Loads a data set, with a bar if it must be downloaded, and logs what it holds. */
export async function openData(
  nameOrPath: string,
  output: Output,
  options: LoadOptions & { readonly signal?: AbortSignal } = {},
): Promise<Dataset> {
  const bar = new DownloadBar(output);
  try {
    const data = await loadDataset(nameOrPath, {
      ...options,
      onProgress: ({ received, total }) => bar.show(received, total),
    });
    bar.stop();
    const { name, entities, relations, train, valid, test } = data;
    const text =
      `${name}: ${whole(entities.size)} entities, ${whole(relations.size)} relations, ` +
      `${whole(train.length)} training, ${whole(valid.length)} validation and ${whole(test.length)} test triples`;
    output.log(wrapped(text));
    return data;
  } finally {
    bar.stop();
  }
}
