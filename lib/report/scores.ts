// The redundancy scores of all groups as bars, from the most redundant on; chosen ones stand out.

import { chartAttributes } from './chart.js';
import { element, type Content, type Markup } from './markup.js';
import { formatNumber } from './numbers.js';
import { extent, linearScale, type Scale } from './scale.js';

export interface GroupScore {
  readonly group: number;
  readonly score: number;
  readonly chosen: boolean;
  /** What the group is, for people: `segment 8`. */
  readonly label: string;
}

const size = { width: 1120, height: 200 };
const [left, right, top, bottom] = [48, 1110, 12, 170];

/** Bars get no wider than this; where they are narrower than a label, it shows on hover alone. */
const widest = 90;
const labelWidth = 14;

export function drawScores(scores: readonly GroupScore[]): Markup {
  const sorted = scores.toSorted((a, b) => b.score - a.score);
  const scale = linearScale(extent([0, ...scores.map(({ score }) => score)]), [bottom, top]);
  const pitch = Math.min(widest, (right - left) / sorted.length);
  const end = left + pitch * sorted.length;
  const attributes = chartAttributes('redundancy of all groups', size.width, size.height);
  const drawing = element('svg', attributes, [
    scale.ticks.map((tick) => drawTick(tick, end, scale)),
    sorted.map((score, index) => drawBar(score, left + index * pitch, pitch, scale)),
  ]);
  return element('figure', {}, caption, drawing);
}

const caption = element(
  'figcaption',
  {},
  'Redundancy of each group',
  element('span', {}, element('i', { class: 'orange dots' }), 'chosen'),
  element('span', {}, element('i', { class: 'blue dots' }), 'kept'),
);

function drawTick(tick: number, end: number, scale: Scale): Content {
  const y = scale.position(tick);
  return [
    element('line', { class: tick === 0 ? 'zero' : 'grid', x1: left, x2: end, y1: y, y2: y }),
    element('text', { class: 'end', x: left - 6, y: y + 4 }, formatNumber(tick)),
  ];
}

function drawBar(
  { group, score, chosen, label }: GroupScore,
  x: number,
  pitch: number,
  scale: Scale,
): Content {
  const [zero, end] = [scale.position(0), scale.position(score)];
  const gap = Math.min(10, pitch / 5);
  const place = {
    x: x + gap / 2,
    y: Math.min(zero, end),
    width: pitch - gap,
    height: Math.max(1, Math.abs(end - zero)),
  };
  const text = `group ${group}, ${label}: ${formatNumber(score)}${chosen ? ', chosen' : ''}`;
  const attributes = { class: chosen ? 'score chosen' : 'score', 'data-group': group, ...place };
  return [
    element('rect', attributes, element('title', {}, text)),
    pitch >= labelWidth && element('text', { class: 'middle', x: x + pitch / 2, y: bottom + 18 }, group),
  ];
}
