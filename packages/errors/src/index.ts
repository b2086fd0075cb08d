export { closest } from "./closest.js";
export { described } from "./described.js";
export { hasCode, MuldeError } from "./error.js";
export type { ErrorFields } from "./error.js";
export { fileError } from "./file-error.js";
export type { FileAction } from "./file-error.js";
