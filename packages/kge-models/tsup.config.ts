import { defineConfig } from "tsup";
import { base } from "../../tsup.base.js";

// tfjs-core publishes its gradients only as source files that Node cannot import, so they are bundled, as a chunk of their own.
export default defineConfig({ ...base, noExternal: [/tfjs-core\/dist\/register_all_gradients/] });
