export function generate(description: {
  readonly abi: number;
  readonly facts: readonly { readonly subject: string; readonly name: string; readonly value: number }[];
}): string;
