/**
 * Whether a version such as "20.19.0" fits ranges such as "^20.19.0 || >=24.0.0", the form of `engines` here.
 *
 * @param {string} ranges
 * @param {string} version
 * @returns {boolean}
 */
export function supports(ranges, version) {
  const [major, minor, patch] = version.split(".").map(Number);
  return ranges.split("||").some((range) => {
    const match = /^(\^|>=)(\d+)\.(\d+)\.(\d+)$/.exec(range.trim());
    if (!match) throw new Error(`"${range}" in engines is neither ^a.b.c nor >=a.b.c.`);
    const [wantedMajor, wantedMinor, wantedPatch] = match.slice(2).map(Number);
    if (major !== wantedMajor) return match[1] === ">=" && major > wantedMajor;
    return minor > wantedMinor || (minor === wantedMinor && patch >= wantedPatch);
  });
}
