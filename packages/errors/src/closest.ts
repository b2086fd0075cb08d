// A suggestion serves a person who mistyped; past this many names looking for one would take longer than a blink.
const MAX_NAMES = 200_000;

/** The candidate nearest to `name` in edits, letter case aside, or none within a third of its length. */
export function closest(name: string, candidates: Iterable<string>): string | undefined {
  // Callers without a compiler look for anything.
  if (typeof (name as unknown) !== "string") return undefined;
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bound = Math.floor(wanted.length / 3) + 1;
  let seen = 0;
  for (const candidate of candidates) {
    if (++seen > MAX_NAMES) break;
    if (Math.abs(candidate.length - wanted.length) >= bound) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance >= bound) continue;
    best = candidate;
    bound = distance;
    if (distance === 0) break;
  }
  return best;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0]!;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const replaced = diagonal + (a[i - 1] === b[j - 1] ? 0 : 1);
      diagonal = row[j]!;
      row[j] = Math.min(replaced, diagonal + 1, row[j - 1]! + 1);
    }
  }
  return row[b.length]!;
}
