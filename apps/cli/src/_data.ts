import { type Dataset, loadDataset, type LoadOptions } from "@mulde/datasets";
import type { Output } from "./_output.js";
import { DownloadBar } from "./_bars.js";
import { whole } from "./_table.js";

/** Loads a data set, downloading it with a bar where that is needed, and says what it holds. */
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
    output.log(
      `${name}: ${whole(entities.size)} entities, ${whole(relations.size)} relations, ` +
        `${whole(train.length)} training, ${whole(valid.length)} validation and ${whole(test.length)} test triples`,
    );
    return data;
  } finally {
    bar.stop();
  }
}
