// Draws what `ingest` measured: for each kind of request the rate of Footfall between those of its limits, as an SVG for
// the README.

import type { Figure } from "./benchmark.ts";

interface Bar {
  readonly label: string;
  readonly perSecond: number;
  readonly color: string;
}

interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const GROUPS = ["POST /event", "Connect JSON", "Connect proto", "gRPC"];
/** How the names of the figures end, and what they are called in the picture. */
const BARS = [
  { suffix: /an empty node:http2?$/, label: "an empty handler", color: "#9aa5b1" },
  { suffix: /durable$/, label: "Footfall, each event on disk", color: "#1f7a5a" },
  { suffix: /a do-nothing connect-node$/, label: "a do-nothing connect-node", color: "#c9d1d9" },
];

const WIDTH = 760;
const LABEL_WIDTH = 220;
const VALUE_WIDTH = 80;
const BAR_HEIGHT = 16;
const TITLE_HEIGHT = 26;
const GAP = 10;
const FONT = 'font-family="system-ui, sans-serif" font-size="12"';

/** The picture of the figures of `ingest`. `caption` says where and how they were measured. */
export function picture(figures: readonly Figure[], caption: string): string {
  const groups = GROUPS.map((title) => ({ title, bars: barsOf(title, figures) }));
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ perSecond }) => perSecond)));
  let y = GAP;
  const parts = groups.map((group) => {
    const part = drawGroup(group, y, most);
    y += TITLE_HEIGHT + group.bars.length * BAR_HEIGHT + GAP;
    return part;
  });
  const height = y + TITLE_HEIGHT;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" role="img" aria-label="Events per second">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join("\n")}
${text(GAP, y + GAP, caption, "#57606a")}
</svg>
`;
}

function barsOf(title: string, figures: readonly Figure[]): Bar[] {
  const ofTitle = figures.filter(({ name, unit }) => unit === "events/s" && name.startsWith(`${title}, `));
  return BARS.flatMap(({ suffix, label, color }) =>
    ofTitle.filter(({ name }) => suffix.test(name)).map(({ value }) => ({ label, perSecond: value, color })),
  );
}

function drawGroup({ title, bars }: Group, top: number, most: number): string {
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const lines = bars.map(({ label, perSecond, color }, index) => {
    const y = top + TITLE_HEIGHT + index * BAR_HEIGHT;
    const width = Math.round((perSecond / most) * room);
    const value = Math.round(perSecond).toLocaleString("en");
    return `<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT - 3}" fill="${color}"/>
${text(GAP, y + 11, label, "#24292f")}
${text(LABEL_WIDTH + width + 6, y + 11, value, "#24292f")}`;
  });
  return [text(GAP, top + 18, `${title}, events a second`, "#24292f", "bold"), ...lines].join("\n");
}

function text(x: number, y: number, content: string, color: string, weight = "normal"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}" ${FONT} font-weight="${weight}" fill="${color}">${escaped}</text>`;
}
