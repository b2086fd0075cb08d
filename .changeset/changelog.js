// What `changeset version` writes into each CHANGELOG.md. A changeset's text goes, whole, to every package that it names; the packages of
// this repository that a release needs in a new version are one line.

/** A changeset: a list stays one; other text becomes a bullet. */
export function getReleaseLine({ summary }) {
  const text = summary.trim();
  return text.startsWith("- ") ? text : `- ${text.replaceAll("\n", "\n  ")}`;
}

/** The dependencies that were released with a package. */
export function getDependencyReleaseLine(_changesets, dependencies) {
  const moved = dependencies.map(({ name, newVersion }) => `\`${name}\` ${newVersion}`);
  return moved.length > 0 ? `- Needs ${moved.join(", ")}.` : "";
}
