// What stands where in a drawing of the segment graph, but for the coordinates: labels, sizes, and stacks
// of parallel branches, without which a large super-network would be wider than any screen. Text is set
// in a fixed-width font, so its size is known here.

import { collapse, commonPath, shorten } from './labels.js';
import { formatCount } from './numbers.js';
import type { Box, End, SegmentGraph, Terminal } from './segment-graph.js';

/** Sizes in pixels; the style sheet sets the same font. */
export const metrics = {
  /** Width of a letter of the labels, and of the smaller ones below. */
  letter: 7.25,
  smallLetter: 6.05,
  lineHeight: 16,
  /** From the frame of a box to its text. */
  padding: 9,
  /** Above the first box of a stack, for its caption; and between its boxes. */
  caption: 20,
  gap: 5,
} as const;

/** Labels are broken where they get longer than this, in letters. */
const lineLength = 30;

/** Networks of more segments have their parallel branches stacked, from so many branches on. */
const stackAbove = 64;
const smallestStack = 3;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A box with its text. */
export interface Card extends Size {
  readonly box: Box;
  readonly lines: readonly string[];
  /** In small letters: parameters and multiply-accumulates, or a joint's name; '' where it has neither. */
  readonly cost: string;
  /** Width of the column that holds the id. */
  readonly gutter: number;
}

/** What the layout moves as one. */
export type Place = Size & { readonly key: string } & (
    | { readonly kind: 'cards'; readonly cards: readonly Card[]; readonly caption: string }
    | { readonly kind: 'terminal'; readonly terminal: Terminal }
  );

/** Between places; `live` where any of its arrows is. */
export interface Link {
  readonly from: string;
  readonly to: string;
  readonly live: boolean;
}

export interface Scene {
  readonly places: readonly Place[];
  readonly links: readonly Link[];
}

export function arrange(graph: SegmentGraph): Scene {
  const stacks = stack(graph);
  const keys = new Map(stacks.flatMap((boxes) => boxes.map(({ id }) => [id, `s${boxes[0]?.id}`] as const)));
  const key = ([kind, index]: End): string =>
    kind === 'segment' ? (keys.get(index) as string) : `${kind}${index}`;
  const links = new Map<string, Link>();
  for (const { from, to, live } of graph.arrows) {
    const link = { from: key(from), to: key(to) };
    const name = `${link.from} ${link.to}`;
    links.set(name, { ...link, live: live || (links.get(name)?.live ?? false) });
  }
  return {
    places: [
      ...graph.inputs.map((input, index) => terminalPlace(`input${index}`, input)),
      ...stacks.map((boxes) => cardsPlace(`s${boxes[0]?.id}`, boxes)),
      ...graph.outputs.map((output, index) => terminalPlace(`output${index}`, output)),
    ],
    links: [...links.values()],
  };
}

/** Boxes that stand together: those that read the same places and are read by the same. */
function stack({ boxes, arrows }: SegmentGraph): readonly (readonly Box[])[] {
  if (boxes.length <= stackAbove) return boxes.map((box) => [box]);
  const ends = boxes.map(() => ({ from: [] as string[], to: [] as string[] }));
  for (const { from, to } of arrows) {
    if (from[0] === 'segment') ends[from[1]]?.to.push(to.join());
    if (to[0] === 'segment') ends[to[1]]?.from.push(from.join());
  }
  const neighbours = ({ id, joint }: Box): string =>
    joint ? `${id}` : `${ends[id]?.from.toSorted().join(' ')} > ${ends[id]?.to.toSorted().join(' ')}`;
  return [...groupBy(boxes, neighbours).values()].flatMap((group) =>
    group.length >= smallestStack ? [group] : group.map((box) => [box]),
  );
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

const sumOf = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0);

function cardsPlace(key: string, boxes: readonly Box[]): Place {
  const cards = boxes.map(card);
  const { gap, smallLetter } = metrics;
  const [single] = cards;
  if (single && cards.length === 1) return { ...single, kind: 'cards', key, cards, caption: '' };
  const caption = captionOf(boxes);
  const width = Math.max(caption.length * smallLetter, ...cards.map((c) => c.width));
  const stacked = cards.map((c) => ({ ...c, width }));
  const height = metrics.caption + sumOf(cards, (c) => c.height + gap) + gap;
  return { kind: 'cards', key, cards: stacked, caption, width: width + 2 * gap, height };
}

/** `6 in parallel · cell0.edge1`, with where the branches are where their names agree on it. */
function captionOf(boxes: readonly Box[]): string {
  const path = commonPath(boxes.map(({ nodes }) => nodes));
  return `${boxes.length} in parallel${path === '' ? '' : ` · ${shorten(path, lineLength)}`}`;
}

function card(box: Box): Card {
  const { letter, smallLetter, lineHeight, padding } = metrics;
  const operators = collapse(box.operators);
  const lines = box.joint ? [`${box.id} ${operators}`] : wrap(operators);
  const cost = box.joint ? shorten(box.nodes.at(-1) ?? '', lineLength) : costOf(box);
  const gutter = box.joint ? 0 : String(box.id).length * smallLetter + padding;
  const text = Math.max(...lines.map((line) => line.length * letter), cost.length * smallLetter);
  return {
    box,
    lines,
    cost,
    gutter,
    width: gutter + text + 2 * padding,
    height: (lines.length + (cost === '' ? 0 : 1)) * lineHeight + padding,
  };
}

const costOf = ({ params, macs }: Box): string =>
  [
    ...(params > 0 ? [`${formatCount(params)} ${params === 1 ? 'param' : 'params'}`] : []),
    ...(macs > 0 ? [`${formatCount(macs)} MACs`] : []),
  ].join(' · ');

function terminalPlace(key: string, terminal: Terminal): Place {
  const { letter, lineHeight, padding } = metrics;
  const width = terminalLabel(terminal).length * letter + 2 * padding;
  return { kind: 'terminal', key, terminal, width, height: lineHeight + padding };
}

/** `image 3×32×32`, without the batch; a long name loses its middle. */
export const terminalLabel = ({ name, shape }: Terminal): string =>
  `${shorten(name, 2 * lineLength)} ${shape.slice(1).join('×')}`.trimEnd();

/** Lines of whole words. */
function wrap(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < lineLength) lines.push(`${lines.pop()} ${word}`);
    else lines.push(shorten(word, lineLength));
  }
  return lines;
}
