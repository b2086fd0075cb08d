import { defineConfig } from "tsup";
import { base } from "../../tsup.base.js";

// What needs more than JavaScript is apart: nobody loads TensorFlow.js or a reader of Parquet, or needs a disk, without asking for it.
export default defineConfig({
  ...base,
  entry: ["src/index.ts", "src/reference.ts", "src/parquet.ts", "src/onnx.ts"],
});
