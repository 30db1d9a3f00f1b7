// The part of a page that shows a segment graph: legend, drawing, and a table that says the same in words.

import { drawSegments, verdict } from './drawing.js';
import { html, type Content, type Markup } from './markup.js';
import { formatCount } from './numbers.js';
import { collapse, shorten } from './places.js';
import type { Box, SegmentGraph } from './segment-graph.js';

export async function segmentsSection(graph: SegmentGraph, name: string): Promise<Markup> {
  const drawing = await drawSegments(graph, `segment graph of ${name}`);
  return html`<div class="drawing">
    <ul class="legend">
      ${legend(graph)}
    </ul>
    <div class="tools">
      <button data-do="in" title="zoom in">+</button><button data-do="out" title="zoom out">−</button
      ><button data-do="fit">whole</button><button data-do="full">1 : 1</button
      ><input type="search" placeholder="segment, operator or node; Enter" aria-label="find a segment" />
    </div>
    <div class="viewport">${drawing}</div>
    <p class="note">
      Hover over a box for its nodes and for why it cannot be removed. Drag to move, Ctrl and the wheel to
      zoom.
    </p>
    <details>
      <summary>All ${graph.boxes.length} segments as a table</summary>
      ${table(graph.boxes)}
    </details>
  </div>`;
}

const entries: readonly (readonly [string, string, (box: Box) => boolean])[] = [
  ['removable', 'can be removed', (box) => box.removable && box.fate === 'kept'],
  ['erased', 'erased', (box) => box.fate === 'erased'],
  ['dropped', 'goes with them', (box) => box.fate === 'dropped'],
  ['fixed', 'stays', (box) => !box.removable && !box.joint && box.fate === 'kept'],
  ['joint', 'branches meet', (box) => box.joint && box.fate === 'kept'],
];

/** Only what occurs. */
const legend = ({ boxes }: SegmentGraph): Content =>
  entries.map(([name, text, holds]) => {
    const count = boxes.filter(holds).length;
    return count > 0 && html`<li class="${name}"><i></i>${text} (${count})</li>`;
  });

const table = (boxes: readonly Box[]): Markup =>
  html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>segment</th>
          <th>operators</th>
          <th>first node</th>
          <th class="number">params</th>
          <th class="number">MACs</th>
          <th></th>
        </tr>
      </thead>
      <tbody>
        ${boxes.map(
          (box) =>
            html`<tr data-row="${box.id}">
              <td>${box.id}</td>
              <td><code>${collapse(box.operators)}</code></td>
              <td><code>${shorten(box.nodes[0] ?? '', 60)}</code></td>
              <td class="number">${formatCount(box.params)}</td>
              <td class="number">${formatCount(box.macs)}</td>
              <td>${verdict(box)}</td>
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
