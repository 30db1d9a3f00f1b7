// The segment graph as an SVG element. Colours and fonts come from the style sheet; what a colour says is
// also said by a dash, an outline or the text that shows on hover.

import { layOut, type Course, type Point } from './layout.js';
import { element, round, trusted, type Markup } from './markup.js';
import { formatCount } from './numbers.js';
import { arrange, metrics, terminalLabel, type Card, type Place } from './places.js';
import type { Box, SegmentGraph } from './segment-graph.js';

/** Space around the drawing. */
const margin = 12;

/** An SVG element; with `style`, a style sheet, it is also a picture of its own. */
export async function drawSegments(graph: SegmentGraph, label: string, style?: string): Promise<Markup> {
  const scene = arrange(graph);
  const layout = await layOut(scene);
  const [width, height] = [round(layout.width + 2 * margin), round(layout.height + 2 * margin)];
  const attributes = {
    class: 'segments',
    xmlns: 'http://www.w3.org/2000/svg',
    role: 'img',
    'aria-label': label,
    width,
    height,
    viewBox: [-margin, -margin, width, height].join(' '),
  };
  return element('svg', attributes, '\n', [
    style !== undefined && element('style', {}, trusted(`\n${style}`)),
    element('defs', {}, arrowHead('arrow-live'), arrowHead('arrow-dead')),
    '\n',
    // Dead ones first, so that live ones lie on top.
    layout.courses.toSorted((a, b) => Number(a.live) - Number(b.live)).map(drawCourse),
    scene.places.map((place) => [drawPlace(place, layout.centres.get(place.key) as Point), '\n']),
  ]);
}

function arrowHead(id: string): Markup {
  const size = { markerWidth: 8, markerHeight: 8, markerUnits: 'userSpaceOnUse' };
  const attributes = { id, class: id, viewBox: '0 0 8 8', refX: 7, refY: 4, orient: 'auto', ...size };
  return element('marker', attributes, element('path', { d: 'M0,0.8 8,4 0,7.2z' }));
}

function drawCourse({ from, to, live, points }: Course): Markup {
  const state = live ? 'live' : 'dead';
  return element('path', {
    class: `link ${state}`,
    'data-from': from,
    'data-to': to,
    'marker-end': `url(#arrow-${state})`,
    d: bezier(points),
  });
}

const bezier = ([start, ...rest]: readonly Point[]): string =>
  `M${coordinates(start as Point)} C${rest.map(coordinates).join(' ')}`;

const coordinates = ([x, y]: Point): string => `${round(x)},${round(y)}`;

function drawPlace(place: Place, [x, y]: Point): Markup {
  const { key, width, height } = place;
  if (place.kind === 'terminal') {
    return element('text', { class: 'terminal', x, y: y + 4 }, terminalLabel(place.terminal));
  }
  const corner: Point = [x - width / 2, y - height / 2];
  const [single] = place.cards;
  if (single && place.cards.length === 1) return drawCard(single, corner, key);
  return drawStack(corner, place);
}

function drawStack([x, y]: Point, { cards, caption, key, width, height }: Place & { kind: 'cards' }): Markup {
  const { gap } = metrics;
  let top = y + metrics.caption;
  const drawn = cards.map((card) => {
    const at: Point = [x + gap, top];
    top += card.height + gap;
    return drawCard(card, at, key);
  });
  return element(
    'g',
    { class: 'stack' },
    element('rect', { x, y, width, height, rx: 9 }),
    element('text', { class: 'caption', x: x + width / 2, y: y + 14 }, caption),
    drawn,
  );
}

function drawCard({ box, lines, cost, gutter, width, height }: Card, [x, y]: Point, key: string): Markup {
  const { padding, lineHeight } = metrics;
  const left = x + (box.joint ? width / 2 : gutter + padding);
  const line = (index: number): number => y + padding / 2 + 12 + index * lineHeight;
  return element(
    'g',
    { class: classOf(box), 'data-segment': box.id, 'data-place': key },
    element('title', {}, describe(box)),
    element('rect', { x, y, width, height, rx: box.joint ? height / 2 : 6 }),
    !box.joint && element('text', { class: 'id', x: x + padding, y: y + height / 2 + 4 }, box.id),
    lines.map((text, index) => element('text', { class: 'operators', x: left, y: line(index) }, text)),
    cost !== '' && element('text', { class: 'cost', x: left, y: line(lines.length) - 1 }, cost),
  );
}

function classOf({ joint, removable, fate }: Box): string {
  const kind = removable ? 'removable' : 'fixed';
  return ['box', joint ? 'joint' : kind, ...(fate === 'kept' ? [] : [fate])].join(' ');
}

/** What shows on hover: all that is known of a segment, line by line. */
function describe(box: Box): string {
  const { id, params, macs, nodes, operators } = box;
  const cost = `${formatCount(params)} parameters, ${formatCount(macs)} multiply-accumulates`;
  return [
    `segment ${id}: ${verdict(box)}`,
    ...(params + macs > 0 ? [cost] : []),
    ...nodes.map((node, index) => `  ${operators[index]}  ${node}`),
  ].join('\n');
}

/** One sentence about what may become, or became, of a segment. */
export function verdict({ fate, joint, group, reason }: Box): string {
  if (fate === 'erased') return `erased (group ${group})`;
  if (fate === 'dropped') return joint ? 'dropped, no branches meet here' : 'dropped, no output needs it';
  return group === null ? `stays: ${reason}` : `removable (group ${group})`;
}
