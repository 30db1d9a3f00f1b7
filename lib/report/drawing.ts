// The segment graph as an SVG element. Colours and fonts come from the style sheet; what a colour says is
// also said by a dash, an outline or the text that shows on hover.

import { layOut, type Layout, type Point } from './layout.js';
import { html, trusted, type Markup } from './markup.js';
import { formatCount, round } from './numbers.js';
import { arrange, metrics, terminalLabel, type Card, type Place } from './places.js';
import type { Box, SegmentGraph } from './segment-graph.js';

/** Space around the drawing. */
const margin = 12;

/** An SVG element; with `style`, a style sheet, it is also a picture of its own. */
export async function drawSegments(graph: SegmentGraph, label: string, style?: string): Promise<Markup> {
  const scene = arrange(graph);
  const layout = await layOut(scene);
  const [width, height] = [round(layout.width + 2 * margin), round(layout.height + 2 * margin)];
  return html`<svg
    class="segments"
    xmlns="http://www.w3.org/2000/svg"
    role="img"
    aria-label="${label}"
    width="${width}"
    height="${height}"
    viewBox="${-margin} ${-margin} ${width} ${height}"
  >
    ${style !== undefined && trusted(`<style>\n${style}</style>\n`)}
    <defs>${arrowHead('arrow-live')}${arrowHead('arrow-dead')}</defs>
    ${drawCourses(layout)}
    ${scene.places.map((place) => drawPlace(place, layout.centres.get(place.key) as Point))}
  </svg>`;
}

const arrowHead = (id: string): Markup =>
  html`<marker
    id="${id}"
    class="${id}"
    viewBox="0 0 8 8"
    refX="7"
    refY="4"
    markerWidth="8"
    markerHeight="8"
    markerUnits="userSpaceOnUse"
    orient="auto"
    ><path d="M0,0.8 8,4 0,7.2z"
  /></marker>`;

/** Dead ones first, so that live ones lie on top. */
const drawCourses = ({ courses }: Layout): readonly Markup[] =>
  courses
    .toSorted((a, b) => Number(a.live) - Number(b.live))
    .map(
      ({ from, to, live, points }) =>
        html`<path
          class="link ${live ? 'live' : 'dead'}"
          data-from="${from}"
          data-to="${to}"
          marker-end="url(#arrow-${live ? 'live' : 'dead'})"
          d="${bezier(points)}"
        /> `,
    );

const bezier = ([start, ...rest]: readonly Point[]): string =>
  `M${coordinates(start as Point)} C${rest.map(coordinates).join(' ')}`;

const coordinates = ([x, y]: Point): string => `${round(x)},${round(y)}`;

function drawPlace(place: Place, [x, y]: Point): Markup {
  const { width, height } = place;
  const corner: Point = [x - width / 2, y - height / 2];
  if (place.kind === 'terminal') {
    return html`<g class="terminal" data-place="${place.key}"
      ><text x="${round(x)}" y="${round(y + 4)}">${terminalLabel(place.terminal)}</text></g
    > `;
  }
  const [single] = place.cards;
  if (single && place.cards.length === 1) return drawCard(single, corner, place.key);
  return drawStack(place.cards, corner, place);
}

function drawStack(cards: readonly Card[], [x, y]: Point, { key, width, height }: Place): Markup {
  const { caption, gap } = metrics;
  let top = y + caption;
  const drawn = cards.map((card) => {
    const at: Point = [x + gap, top];
    top += card.height + gap;
    return drawCard(card, at, key);
  });
  return html`<g class="stack"
    >${rectangle([x, y], width, height, 9)}<text
      class="caption"
      x="${round(x + width / 2)}"
      y="${round(y + 14)}"
      >${cards.length} in parallel</text
    >
    ${drawn}</g
  > `;
}

function drawCard({ box, lines, cost, gutter, width, height }: Card, [x, y]: Point, key: string): Markup {
  const { padding, lineHeight } = metrics;
  const left = x + (box.joint ? width / 2 : gutter + padding);
  const base = y + padding / 2 + 12;
  return html`<g class="box ${classOf(box)}" data-segment="${box.id}" data-place="${key}"
    ><title>${describe(box)}</title>${rectangle([x, y], width, height, box.joint ? height / 2 : 6)}${
      !box.joint &&
      html`<text class="id" x="${round(x + padding)}" y="${round(y + height / 2 + 4)}">${box.id}</text>`
    }${lines.map(
      (line, index) =>
        html`<text class="operators" x="${round(left)}" y="${round(base + index * lineHeight)}"
          >${line}</text
        >`,
    )}${
      cost !== '' &&
      html`<text class="cost" x="${round(left)}" y="${round(base + lines.length * lineHeight - 1)}"
        >${cost}</text
      >`
    }</g
  > `;
}

const classOf = ({ joint, removable, fate }: Box): string =>
  [joint ? 'joint' : removable ? 'removable' : 'fixed', ...(fate === 'kept' ? [] : [fate])].join(' ');

const rectangle = ([x, y]: Point, width: number, height: number, radius: number): Markup =>
  html`<rect
    x="${round(x)}"
    y="${round(y)}"
    width="${round(width)}"
    height="${round(height)}"
    rx="${round(radius)}"
  />`;

/** What shows on hover: all that is known of a segment, line by line. */
export const describe = (box: Box): string =>
  [
    `segment ${box.id}: ${verdict(box)}`,
    ...(box.params + box.macs > 0
      ? [`${formatCount(box.params)} parameters, ${formatCount(box.macs)} multiply-accumulates`]
      : []),
    ...box.nodes.map((node, index) => `  ${box.operators[index]}  ${node}`),
  ].join('\n');

/** One sentence about what may become, or became, of a segment. */
export function verdict({ fate, joint, group, reason }: Box): string {
  if (fate === 'erased') return `erased (group ${group})`;
  if (fate === 'dropped') return joint ? 'dropped, no branches meet here' : 'dropped, no output needs it';
  return group === null ? `stays, ${reason}` : `removable (group ${group})`;
}
