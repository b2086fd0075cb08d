// Its effect is to register the gradients of all ops. Bundlers keep it, since package.json names it under sideEffects.
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
