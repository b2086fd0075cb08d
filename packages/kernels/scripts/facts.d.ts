export function readFacts(bytes: Uint8Array): Promise<{
  readonly abi: number;
  readonly facts: readonly { readonly subject: string; readonly name: string; readonly value: number }[];
}>;
