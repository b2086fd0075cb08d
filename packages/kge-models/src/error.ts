// One class for all packages that build on the kernels, so that `instanceof` holds across them.
export { MuldeError } from "@mulde/kernels";
