// The style sheet of a drawn segment graph, alone enough for an SVG file, and the colours that all pages
// share. Colours are those of Okabe and Ito, which people with any colour vision tell apart, made darker or
// lighter to be read on either background.

const light = `
  --surface: #ffffff; --raised: #f6f7f9; --line: #c9ced6; --ink: #1d232b; --muted: #66707d;
  --blue: #0072b2; --blue-tint: #e3f0f9; --orange: #c44e00; --orange-tint: #fdf0e7;
  --green: #00795a; --purple: #a64d79; --sky: #2f8fc4;`;

const dark = `
  --surface: #14181e; --raised: #1c222a; --line: #434c58; --ink: #e7eaee; --muted: #9aa5b3;
  --blue: #62b5ea; --blue-tint: #16324a; --orange: #f08c4b; --orange-tint: #3a2416;
  --green: #3fc39b; --purple: #dd8fb6; --sky: #7cc4ef;`;

/** Custom properties of both colour schemes for everything that `selector` matches. */
export const palette = (selector: string): string => `
${selector} {${light} }
@media (prefers-color-scheme: dark) { ${selector} {${dark} } }
`;

export const drawingStyle = `${palette('svg.segments')}
svg.segments { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace; }
.segments text { fill: var(--ink); font-size: 12px; }
.segments rect { fill: var(--surface); stroke: var(--line); stroke-width: 1.2; }
.segments .cost, .segments .id, .segments .caption { fill: var(--muted); font-size: 10px; }
.segments .terminal, .segments .caption, .segments .joint text { text-anchor: middle; }
.segments .terminal { font-weight: 600; }
.segments .stack > rect { fill: var(--raised); stroke: none; }
.segments .fixed rect { stroke: var(--muted); }
.segments .joint rect { fill: var(--raised); stroke: var(--muted); }
.segments .removable rect { fill: var(--blue-tint); stroke: var(--blue); stroke-width: 1.6; }
.segments .removable .id { fill: var(--blue); font-weight: 700; }
.segments .erased rect { fill: var(--orange-tint); stroke: var(--orange); stroke-dasharray: 6 4; }
.segments .erased .id { fill: var(--orange); }
.segments .dropped rect { fill: none; stroke: var(--muted); stroke-dasharray: 2 3; }
.segments .erased text, .segments .dropped text { fill: var(--muted); }
.segments .link { fill: none; stroke: var(--muted); stroke-width: 1.2; }
.segments .link.dead { stroke: var(--line); stroke-dasharray: 4 4; }
.segments .arrow-live { fill: var(--muted); }
.segments .arrow-dead { fill: var(--line); }
.segments .box:hover > rect, .segments .box.found > rect { stroke-width: 3; }
.segments .link.lit { stroke: var(--ink); stroke-width: 2.2; }
`;
