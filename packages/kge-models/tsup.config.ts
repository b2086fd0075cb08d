import { defineConfig } from "tsup";
import { base } from "../../tsup.base.js";

// tfjs-core publishes its gradients as source files that Node cannot import, so we bundle them, as a chunk of their own.
export default defineConfig({ ...base, noExternal: [/tfjs-core\/dist\/register_all_gradients/] });
