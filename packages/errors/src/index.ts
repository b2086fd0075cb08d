export { closest } from "./closest.js";
export { hasCode, MuldeError } from "./error.js";
export type { ErrorFields } from "./error.js";
