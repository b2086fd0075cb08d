/** log(1 + exp(x)) */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** k with softplus(k) = c */
export function inverseSoftplus(c: number): number {
  return c > 30 ? c : Math.log(Math.expm1(c));
}
