// The part of a page that shows a segment graph: legend, drawing, and a table that says the same in words.

import { drawSegments, verdict } from './drawing.js';
import { collapse, shorten } from './labels.js';
import { element, type Content, type Markup } from './markup.js';
import { formatCount } from './numbers.js';
import { details, note, table } from './page.js';
import type { Box, SegmentGraph } from './segment-graph.js';

export async function segmentsSection(graph: SegmentGraph, name: string): Promise<Markup> {
  const drawing = await drawSegments(graph, `segment graph of ${name}`);
  return element(
    'div',
    { class: 'drawing' },
    element('ul', { class: 'legend' }, legend(graph)),
    tools,
    element('div', { class: 'viewport' }, drawing),
    note(
      'Hover over a box for its nodes and for why it cannot be removed, or tap it for its row. ',
      'Drag to move, Ctrl and the wheel to zoom.',
    ),
    details(`All ${graph.boxes.length} segments as a table`, segmentTable(graph.boxes)),
  );
}

/** What the script of the page reacts to. */
const tools = element(
  'div',
  { class: 'tools' },
  element('button', { 'data-do': 'out', title: 'zoom out' }, '−'),
  element('button', { 'data-do': 'in', title: 'zoom in' }, '+'),
  element('button', { 'data-do': 'full', title: 'natural size' }, '1 : 1'),
  element('button', { 'data-do': 'fit', title: 'fit the window' }, 'whole'),
  element('input', {
    type: 'search',
    placeholder: 'find id, operator or node',
    title: 'Enter goes to the next one',
    'aria-label': 'find a segment',
  }),
);

const entries: readonly (readonly [name: string, text: string, holds: (box: Box) => boolean])[] = [
  ['removable', 'can be removed', (box) => box.removable && box.fate === 'kept'],
  ['erased', 'erased', (box) => box.fate === 'erased'],
  ['dropped', 'not needed', (box) => box.fate === 'dropped'],
  ['fixed', 'stays', (box) => !box.removable && !box.joint && box.fate === 'kept'],
  ['joint', 'branches meet', (box) => box.joint && box.fate === 'kept'],
];

/** Only what occurs. */
const legend = ({ boxes }: SegmentGraph): Content =>
  entries.map(([name, text, holds]) => {
    const count = boxes.filter(holds).length;
    return count > 0 && element('li', { class: name }, element('i', {}), `${text} (${count})`);
  });

const segmentTable = (boxes: readonly Box[]): Markup =>
  table(
    [
      { heading: 'segment', numeric: true },
      { heading: 'operators' },
      { heading: 'first node' },
      { heading: 'params', numeric: true },
      { heading: 'MACs', numeric: true },
      { heading: '' },
    ],
    boxes.map((box) => [
      box.id,
      element('code', {}, collapse(box.operators)),
      element('code', {}, shorten(box.nodes[0] ?? '', 60)),
      formatCount(box.params),
      formatCount(box.macs),
      verdict(box),
    ]),
    (row) => ({ 'data-row': boxes[row]?.id ?? '' }),
  );
