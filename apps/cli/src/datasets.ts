import {
  datasetInfo,
  type DatasetCounts,
  type DatasetInfo,
  fetchDataset,
  listDatasets,
  loadDataset,
} from "@mulde/datasets";
import { MuldeCommand } from "./_command.js";
import { DownloadBar } from "./_bars.js";
import { addJsonOption, addReadOptions, readOptions, type ReadFlags } from "./_flags.js";
import { interruptible } from "./_interrupt.js";
import { Output } from "./_output.js";
import { fields, size, table, whole } from "./_table.js";
import { wrapped } from "./_text.js";

interface Options {
  readonly json?: boolean;
}

/** `mulde datasets`: the registered data sets, and your own. */
export function datasetsCommand(): MuldeCommand {
  const command = new MuldeCommand("datasets")
    .summary("list, describe and download data sets")
    .description("List, describe and download data sets.")
    .examples("mulde datasets list");
  const listing = new MuldeCommand("list")
    .summary("list the registered data sets")
    .description("List the registered data sets with their counts.");
  command.addCommand(addJsonOption(listing).examples("mulde datasets list").action(list));
  const info = new MuldeCommand("info")
    .summary("describe a data set")
    .description("Describe a registered data set without downloading it, or read and count one of your own.")
    .argument("<name>", 'a name of "mulde datasets list", a directory or an archive');
  addReadOptions(info);
  addJsonOption(info).examples("mulde datasets info WN18RR", "mulde datasets info ./my-graph --columns htr");
  command.addCommand(info.action(describe));
  const fetch = new MuldeCommand("fetch")
    .summary("download a registered data set")
    .description("Download a registered data set into the cache and check it.")
    .argument("<name>", 'a name of "mulde datasets list"');
  return command.addCommand(addJsonOption(fetch).examples("mulde datasets fetch WN18RR").action(download));
}

function list({ json }: Options): void {
  const datasets = listDatasets().map(withEmbedded);
  new Output(json ?? false).result({ datasets }, () => {
    const numbers = ["entities", "relations", "train", "valid", "test"] as const;
    const rows = datasets.map(({ name, counts, licence }) => [
      name,
      ...numbers.map((key) => whole(counts[key])),
      licence,
    ]);
    const right = numbers.map((head) => ({ head, align: "right" }) as const);
    const names = table([{ head: "name" }, ...right, { head: "licence", cut: "end" }], rows);
    const embedded = datasets.filter((info) => info.embedded).map(({ name }) => name);
    const note = `${embedded.join(" and ")} come along; the others are downloaded. See mulde datasets info NAME.`;
    return `${names}\n\n${wrapped(note)}`;
  });
}

async function describe(name: string, given: Options & ReadFlags): Promise<void> {
  const output = new Output(given.json ?? false);
  const registered = listDatasets().some((known) => known.name.toLowerCase() === name.toLowerCase());
  if (registered) {
    const info = withEmbedded(datasetInfo(name));
    const { description, licence, source, counts, files } = info;
    output.result(info, () =>
      fields({
        name: info.name,
        description,
        licence,
        source,
        ...counted(counts),
        files: files.map(({ url }) => url).join("\n") || "none, it is embedded",
      }),
    );
    return;
  }
  const { entities, relations, train, valid, test, ...data } = await loadDataset(name, readOptions(given));
  const counts = {
    entities: entities.size,
    relations: relations.size,
    train: train.length,
    valid: valid.length,
    test: test.length,
  };
  const { source, fingerprint } = data;
  const info = { name: data.name, source, fingerprint, counts };
  output.result(info, () => fields({ name: data.name, source: source ?? "", ...counted(counts), fingerprint }));
}

async function download(name: string, { json }: Options): Promise<void> {
  const output = new Output(json ?? false);
  const bar = new DownloadBar(output);
  const onProgress = ({ received, total }: { received: number; total: number | undefined }): void => {
    bar.show(received, total);
  };
  const fetched = await interruptible((signal) => fetchDataset(name, { signal, onProgress })).finally(() => {
    bar.stop();
  });
  const { info, directory, files, bytes } = fetched;
  output.result({ name: info.name, directory, files, bytes }, () =>
    files.length === 0
      ? `${info.name} is embedded: there is nothing to download.`
      : `${info.name}: ${size(bytes)} in ${directory}${info.files.every(({ sha256 }) => sha256) ? ", checked" : ""}`,
  );
}

function withEmbedded(info: DatasetInfo): DatasetInfo & { readonly embedded: boolean } {
  return { ...info, embedded: info.files.length === 0 };
}

function counted(counts: DatasetCounts): Record<string, string> {
  return Object.fromEntries(Object.entries(counts).map(([key, value]: [string, number]) => [key, whole(value)]));
}
