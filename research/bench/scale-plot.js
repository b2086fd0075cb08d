// The plot of `pnpm bench:scale`, drawn without a browser.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

const panels = [
  { title: "Step time", label: "median step (ms)", value: (l) => l.step_ms },
  { title: "Memory", label: "peak resident memory (MB)", value: (l) => l.max_rss_mb },
];
const width = 420;
const height = 320;
// Which XML, unlike HTML, must be told.
const namespace = "http://www.w3.org/2000/svg";

/** Step time and memory against the number of entities, both axes logarithmic, side by side as one SVG text. */
export function scalePlot(lines) {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const parts = panels.map((panel, i) => {
    const svg = drawPanel(document, lines, panel);
    svg.setAttribute("x", String(i * width));
    return svg.outerHTML;
  });
  const size = `width="${panels.length * width}" height="${height}"`;
  const background = `<rect width="100%" height="100%" fill="white"/>`;
  return `<svg xmlns="${namespace}" ${size} font-family="sans-serif">${background}${parts.join("")}</svg>\n`;
}

function drawPanel(document, lines, { title, label, value }) {
  const x = (line) => line.entities;
  const points = { x, y: value, stroke: "#1f6fb2", fill: "#1f6fb2" };
  return Plot.plot({
    document,
    width,
    height,
    marginLeft: 60,
    marginRight: 30,
    marginTop: 50,
    marginBottom: 45,
    x: {
      type: "log",
      label: "entities (triples: ten times as many)",
      labelArrow: "none",
      domain: aside(lines.map(x)),
      ticks: lines.map(x),
      tickFormat: "~s",
    },
    y: { type: "log", label, labelArrow: "none", grid: true, domain: around(lines.map(value)), ticks: 5 },
    marks: [
      Plot.text([title], { frameAnchor: "top", dy: -38, fontSize: 14, fontWeight: "bold" }),
      Plot.lineY(lines, { x, y: value, stroke: points.stroke }),
      Plot.dot(lines, { ...points, r: 3 }),
      Plot.text(lines, { x, y: value, text: (l) => number(value(l)), dy: -10 }),
    ],
  });
}

/** A logarithmic axis's ends with room for half a value more, so that no point and no label sits on the other axis. */
function aside(values) {
  return [Math.min(...values) / 1.5, 1.5 * Math.max(...values)];
}

/** A logarithmic axis's ends: whole powers of ten around the values, so that a flat line looks flat. */
function around(values) {
  return [10 ** Math.floor(Math.log10(Math.min(...values))), 10 ** Math.ceil(Math.log10(Math.max(...values)))];
}

function number(value) {
  return value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 });
}
