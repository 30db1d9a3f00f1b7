// The style sheet of pages, but for what belongs to drawings of the segment graph.

import { drawingStyle, palette } from './drawing-style.js';

export const pageStyle = `${palette(':root')}${drawingStyle}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--surface); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 .7rem; font-size: 1.1rem; }
header { margin-bottom: 1.8rem; }
header p { margin: .3rem 0 0; color: var(--muted); }
section { margin-bottom: 2.4rem; }
.note { color: var(--muted); font-size: .88rem; max-width: 60rem; }
.state { display: inline-block; padding: 0 .55em; border-radius: 1em; border: 1px solid currentColor; font-weight: 600; }
.state.complete { color: var(--green); }
.state.incomplete { color: var(--orange); }

.scroll { overflow: auto; max-height: 40rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: var(--surface); color: var(--muted); font-weight: 600; text-align: left; font-size: .85rem; }
th, td { padding: .3rem 1.2rem .3rem 0; vertical-align: top; }
td { border-top: 1px solid var(--line); }
th.number, td.number { text-align: right; white-space: nowrap; }
code, td code { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: .85em; overflow-wrap: anywhere; }
.headline { font-size: 1.15rem; }
.headline td { vertical-align: baseline; }
.headline td:first-child { color: var(--muted); font-size: .95rem; }
.bar { display: inline-block; width: 9rem; height: .55rem; margin-right: .6rem; border-radius: 1rem; background: var(--raised); border: 1px solid var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--blue); }
@media (max-width: 40rem) { .bar { display: none; } th, td { padding-right: .6rem; } th.number { white-space: normal; } .headline { font-size: .95rem; } }
details { margin-top: .8rem; }
summary { cursor: pointer; color: var(--muted); }

.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; margin: 0 0 .6rem; padding: 0; list-style: none; font-size: .88rem; }
.legend i { display: inline-block; width: 1.5em; height: .85em; margin-right: .45em; vertical-align: -.08em; border: 1.6px solid var(--muted); border-radius: 4px; }
.legend .removable i { background: var(--blue-tint); border-color: var(--blue); }
.legend .erased i { background: var(--orange-tint); border: 1.6px dashed var(--orange); }
.legend .dropped i { border: 1.6px dotted var(--muted); }
.legend .joint i { border-radius: 1em; background: var(--raised); }
.viewport { position: relative; overflow: auto; max-height: 88vh; border: 1px solid var(--line); border-radius: 10px; cursor: grab; }
.viewport.dragged { cursor: grabbing; user-select: none; }
.viewport svg { display: block; margin: 0 auto; }
.segments rect, .segments .link { stroke-width: calc(1.2px * var(--thick, 1)); }
.segments .removable rect { stroke-width: calc(1.6px * var(--thick, 1)); }
.segments.far text, .segments.far .link { display: none; }
.segments.far .fixed rect, .segments.far .joint rect { fill: var(--muted); }
.segments.far .removable rect { fill: var(--blue); }
.segments.far .erased rect { fill: var(--orange); stroke-dasharray: none; }
.tools { display: none; gap: .4rem; margin: 0 0 .5rem; align-items: center; }
.scripted .tools { display: flex; flex-wrap: wrap; }
.tools button, .tools input { font: inherit; font-size: .88rem; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .15rem .7rem; }
.tools button { white-space: nowrap; }
.tools input { flex: 0 1 17rem; min-width: 8rem; }
tr[data-row] { cursor: pointer; }
tr[data-row]:hover td { background: var(--raised); }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: 1.4rem 1.6rem; margin-top: 1rem; }
.charts.narrow { grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); }
figure { margin: 0; overflow-x: auto; }
figcaption { display: flex; flex-wrap: wrap; gap: 0 1.1rem; font-weight: 600; font-size: .92rem; margin-bottom: .25rem; }
figcaption span { font-weight: 400; color: var(--muted); }
figcaption i { display: inline-block; width: 1.3em; height: 0; margin-right: .4em; vertical-align: .25em; border-top: 2.5px solid; }
figcaption i.dots { width: .6em; height: .6em; border: 0; border-radius: 1em; background: currentColor; vertical-align: .02em; }
svg.chart { display: block; width: 100%; height: auto; font-size: 11px; }
.chart text { fill: var(--muted); }
.chart .grid { stroke: var(--line); stroke-width: .6; }
.chart .zero { stroke: var(--muted); stroke-width: 1; }
.chart .band { fill: var(--raised); }
.chart .band.odd { fill: none; }
.chart .middle { text-anchor: middle; }
.chart .end { text-anchor: end; }
.chart .mark { stroke: var(--orange); stroke-width: 1.2; stroke-dasharray: 4 3; }
.chart text.mark-label { fill: var(--orange); }
.chart .line { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round; }
.chart .faint { fill: none; stroke: currentColor; stroke-width: 1; opacity: .32; }
.chart .dot { fill: currentColor; stroke: var(--surface); stroke-width: 1.2; }
.chart .readout { fill: transparent; }
.chart .readout:hover { fill: var(--ink); fill-opacity: .12; }
.chart .score { fill: var(--blue); }
.chart .score.chosen { fill: var(--orange); }
.chart .score:hover { opacity: .7; }
.blue { color: var(--blue); } .orange { color: var(--orange); } .green { color: var(--green); } .purple { color: var(--purple); }
`;
