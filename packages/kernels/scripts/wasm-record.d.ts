export const modules: readonly string[];
export function wasmRecord(): string;
