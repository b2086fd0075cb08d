// Draws the figures of RESULTS.md from ledger.tsv, curves.tsv, scales.tsv and published.tsv: node research/results/figures.js
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { readLedger, readTable, validation } from "./_tables.js";

const at = (name) => fileURLToPath(new URL(name, import.meta.url));

const ledger = readLedger();
const curves = readTable("curves.tsv");
const published = readTable("published.tsv");
const sets = ["WN18RR", "FB15k-237"];
const entities = { WN18RR: 40943, "FB15k-237": 14541 };
const roles = ["published", "teacher", "undistilled", "distilled", "senior"];
const colours = ["#888888", "#b07aa1", "#f28e2b", "#1f6fb2", "#59a14f"];
const hues = ["#b07aa1", "#f28e2b", "#1f6fb2", "#59a14f"];
// What the rule `functional` trained stands beside what was trained without it, and says so.
const ruled = ", functional";
const juniors = ["undistilled", "distilled", `distilled${ruled}`];
const juniorColours = ["#f28e2b", "#1f6fb2", "#5a9bd4"];
const lowest = { WN18RR: 0.43, "FB15k-237": 0.29 };
const highest = { WN18RR: 0.54, "FB15k-237": 0.38 };
const width = 460;
const height = 340;
const margins = { marginLeft: 60, marginRight: 20, marginTop: 50, marginBottom: 45 };
// SVG files need the namespace; SVG inside HTML does not.
const namespace = "http://www.w3.org/2000/svg";

const papers = new Map(sets.map((data) => [data, lastRuns(data)]));
const ran = sets.filter((data) => papers.get(data).length > 0);

/** The text of every figure, by the name of its file. */
export function figures() {
  return {
    "quality.svg": figure(sets.map(quality)),
    "curves.svg": figure(ran.map(courses)),
    "attention.svg": figure(ran.map(attention)),
    "relations.svg": figure([relationScales("wn18rr-paper-plain")]),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(at("figures/"), { recursive: true });
  for (const [name, text] of Object.entries(figures())) writeFileSync(at(`figures/${name}`), text);
}

/** One SVG with the panels side by side. */
function figure(panels) {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  let x = 0;
  const parts = panels.map((panel) => {
    const svg = Plot.plot({ document, width, height, ...margins, ...panel });
    svg.setAttribute("x", String(x));
    x += Number(svg.getAttribute("width"));
    return svg.outerHTML;
  });
  const tall = Math.max(...panels.map((panel) => panel.height ?? height));
  const background = `<rect width="100%" height="100%" fill="white"/>`;
  const open = `<svg xmlns="${namespace}" width="${x}" height="${tall}" font-family="sans-serif">`;
  return `${open}${background}${parts.join("")}</svg>\n`;
}

function title(text) {
  return Plot.text([text], { frameAnchor: "top", dy: -38, fontSize: 14, fontWeight: "bold" });
}

/** MRR against the size of the model. Ours count all parameters; published ones count N d floats, which is nearly all they have. */
function quality(data) {
  // Of several runs, take the one with the best validation MRR; never choose on the test split.
  const best = new Map();
  for (const line of ledger) {
    if (line.data !== data || line.mrr === "") continue;
    const { role, model, dimension, mrr, parameters, functional } = line;
    const label = `${model} ${dimension}${functional ? ruled : ""}`;
    const key = `${role} ${label}`;
    const chosenBy = validation(line);
    if (best.has(key) && best.get(key).chosenBy > chosenBy) continue;
    best.set(key, {
      chosenBy,
      mrr: Number(mrr),
      bytes: 4 * Number(parameters),
      role,
      label,
    });
  }
  const theirs = published
    .filter((line) => line.data === data)
    .map(({ system, dimension, mrr }) => ({
      mrr: Number(mrr),
      bytes: 4 * entities[data] * Number(dimension),
      role: "published",
      label: `${system} ${dimension}`,
    }));
  // Leave out the weakest models: they would squeeze all others together.
  const points = [...theirs, ...best.values()].filter(({ mrr }) => mrr >= lowest[data]);
  const x = { type: "log", domain: [3e5, 3e9], label: "bytes", labelArrow: "none", tickFormat: "~s", ticks: 3 };
  const y = { domain: [lowest[data], highest[data]], label: "test MRR", labelArrow: "none", grid: true };
  const [across, down] = [620, 460];
  const scales = [
    Plot.scale({ x: { ...x, range: [margins.marginLeft, across - margins.marginRight] } }),
    Plot.scale({ y: { ...y, range: [down - margins.marginBottom, margins.marginTop] } }),
  ];
  const pixels = points.map((point) => ({ ...point, x: scales[0].apply(point.bytes), y: scales[1].apply(point.mrr) }));
  const { right, left } = labelSides(pixels);
  const label = { x: "bytes", y: "mrr", text: "label", fontSize: 9, fill: "role" };
  return {
    x,
    y,
    color: { domain: roles, range: colours },
    height: down,
    width: across,
    marks: [
      title(`${data}: MRR against size`),
      Plot.dot(points, { x: "bytes", y: "mrr", stroke: "role", fill: "role", r: 3.5 }),
      Plot.text(right, { ...label, dx: 7, textAnchor: "start" }),
      Plot.text(left, { ...label, dx: -7, textAnchor: "end" }),
      ...legend(roles, colours),
    ],
  };
}

/** Puts each label to the right or left of its point, our Juniors first; leaves out a label that has no room. */
function labelSides(points) {
  const taken = points.map(({ x, y }) => [x - 4, x + 4, y - 4, y + 4]);
  const fits = ([left, right, top, bottom]) =>
    taken.every(([l, r, t, b]) => right < l || left > r || bottom < t || top > b);
  const sides = { right: [], left: [] };
  for (const role of ["distilled", "published"]) {
    for (const point of points.filter((other) => other.role === role)) {
      const { x, y, label } = point;
      const wide = 5 * label.length;
      const boxes = { right: [x + 5, x + 7 + wide, y - 5, y + 5], left: [x - 7 - wide, x - 5, y - 5, y + 5] };
      const side = Object.keys(boxes).find((name) => fits(boxes[name]));
      if (side === undefined) continue;
      sides[side].push(point);
      taken.push(boxes[side]);
    }
  }
  return sides;
}

/** The course of each model in the paper's setting, from its last run. */
function lastRuns(data) {
  const runs = new Map();
  for (const line of curves) {
    if (line.data !== data || !/-paper(-plain)?$/.test(line.experiment)) continue;
    const name = courseName(line);
    const run = runs.get(name) ?? [];
    const goesOn = run.length > 0 && Number(line.epoch) > run.at(-1).epoch;
    runs.set(name, [...(goesOn ? run : []), { ...line, name, epoch: Number(line.epoch), mrr: Number(line.mrr) }]);
  }
  return [...runs.values()].flat();
}

/** Where an experiment has a twin without the rule `functional`, its own Junior is the one with the rule. */
function courseName({ experiment, name }) {
  const plain = curves.some((other) => other.experiment === `${experiment}-plain`);
  return plain && name === "distilled" ? `distilled${ruled}` : name;
}

/** Validation MRR over epochs: the distilled Junior and its undistilled twin, in the paper's setting. */
function courses(data) {
  const lines = papers.get(data).filter(({ name }) => juniors.includes(name));
  return {
    x: { label: "epoch", labelArrow: "none" },
    y: { label: "validation MRR", labelArrow: "none", grid: true },
    color: { domain: juniors, range: juniorColours },
    marks: [
      title(`${data}: with and without teachers`),
      Plot.lineY(lines, { x: "epoch", y: "mrr", stroke: "name", marker: "dot" }),
      Plot.text(
        lines,
        Plot.selectLast({ x: "epoch", y: "mrr", z: "name", text: "name", fill: "name", dy: -10, dx: -20 }),
      ),
    ],
  };
}

/** The teachers' mean attention weights over epochs of the distilled Junior. */
function attention(data) {
  const lines = papers.get(data).filter((line) => line.name === "distilled");
  const points = lines.flatMap(({ epoch, attention: weights, teachers }) =>
    weights.split(" ").map((weight, i) => ({ epoch, weight: Number(weight), teacher: teachers.split(" ")[i] })),
  );
  const teachers = [...new Set(points.map(({ teacher }) => teacher))];
  return {
    x: { label: "epoch", labelArrow: "none" },
    y: { label: "mean attention weight", labelArrow: "none", grid: true },
    color: { domain: teachers, range: hues },
    marks: [
      title(`${data}: attention over epochs`),
      Plot.lineY(points, { x: "epoch", y: "weight", stroke: "teacher" }),
      ...legend(teachers, hues),
    ],
  };
}

/** Names in their colours, stacked in the lower right corner, where these figures are empty. */
function legend(names, fills) {
  return names.map((name, i) =>
    Plot.text([name], {
      frameAnchor: "bottom-right",
      dx: -6,
      dy: -8 - 14 * i,
      text: [name],
      fill: fills[i],
      fontWeight: "bold",
    }),
  );
}

/** The Senior's scale of each teacher for each relation, in both directions. */
function relationScales(experiment) {
  const lines = readTable("scales.tsv").filter((line) => line.experiment === experiment);
  const cells = [...new Map(lines.map((line) => [`${line.relation} ${line.teacher}`, line])).values()];
  return {
    width: 560,
    height: 520,
    marginLeft: 230,
    marginTop: 70,
    x: { axis: "top", label: null, domain: [...new Set(cells.map(({ teacher }) => teacher))] },
    y: { label: null },
    color: { scheme: "blues" },
    marks: [
      Plot.text([`${lines[0].data}: relation-specific scales`], {
        frameAnchor: "top",
        dy: -56,
        fontSize: 14,
        fontWeight: "bold",
      }),
      Plot.cell(cells, { x: "teacher", y: "relation", fill: (line) => Number(line.scale) }),
      Plot.text(cells, {
        x: "teacher",
        y: "relation",
        text: "scale",
        fontSize: 9,
        fill: ({ scale }) => (Number(scale) > 0.6 ? "white" : "black"),
      }),
    ],
  };
}
