// Checkpoints that are damaged, newer or of another run: `mulde train` refuses them and leaves them where they are.
import { changed, copy, directory, flipped, graph, link, opened, safetensors, sparse, train } from "./_files.js";
import { trainedWith } from "./_fixtures.js";

const call = ["train", "--data", "graph", "--out", "out", ...trainedWith];

export const cases = ({ checkpoint, model }) => {
  const refused = (name, content, args = [], names = "checkpoint.safetensors", files = {}) => ({
    name,
    files: { ...graph(), "out/checkpoint.safetensors": content, ...files },
    run: [...call, ...args],
    code: "TRAINER_CHECKPOINT",
    names,
  });
  const bytes = (name, change) => refused(name, changed(checkpoint, change));
  const header = (name, change) =>
    bytes(name, (content) => {
      const { header, data } = opened(content);
      return safetensors(change(header), data);
    });
  const metadata = (name, change) =>
    header(name, (known) => ({ ...known, __metadata__: { ...known.__metadata__, ...change } }));
  const whole = copy(checkpoint);
  return [
    refused("empty", ""),
    refused("text", "hello"),
    refused("zeros", Buffer.alloc(4096)),
    refused("a sparse file of 2.3 GB", sparse(2.3e9)),
    refused("a model's parameters", copy(`${model}/model.safetensors`)),
    refused("a directory in its place", directory),
    refused("a link to itself", link("checkpoint.safetensors")),
    bytes("cut in the middle", (content) => content.subarray(0, content.length / 2)),
    bytes("without its last byte", (content) => content.subarray(0, -1)),
    bytes("with a byte more", (content) => Buffer.concat([content, Buffer.of(0)])),
    bytes("a flipped bit in its data", (content) => flipped(content, -5, 3)),
    bytes("a flipped bit in its first value", (content) => flipped(content, 8 + Number(content.readBigUInt64LE(0)), 6)),
    bytes("a flipped bit in its header", (content) => flipped(content, 60, 2)),
    header("no metadata", ({ __metadata__: _, ...rest }) => rest),
    header("no array of a table", (known) =>
      Object.fromEntries(
        Object.entries(known).map(([name, field]) => [name === "now.entity" ? "now.other" : name, field]),
      ),
    ),
    metadata("a newer format", { format: "99" }),
    metadata("a state that is no JSON", { state: "{" }),
    metadata("a state of another shape", { state: "{}" }),
    metadata("a state that is null", { state: "null" }),
    metadata("another checksum", { checksum: "0".repeat(64) }),
    refused("of another seed", whole, ["--seed", "2"]),
    refused("of another dimension", whole, ["--dim", "8"]),
    refused("of another model", whole, ["--model", "TransE"]),
    refused("of more epochs", whole, ["--epochs", "3"]),
    refused("of other data of the same sizes", whole, [], "checkpoint.safetensors", {
      "graph/train.txt": train.replace("Alba\tlikes\tCira", "Alba\tlikes\tDano"),
    }),
    refused("of other names", whole, [], "checkpoint.safetensors", { "graph/test.txt": "Bero\tlikes\tEgon\n" }),
  ];
};
