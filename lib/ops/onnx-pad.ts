// ONNX's Pad: a border of one value is an operator, a negative border a slice, and a border of what lies at the
// edge is slices of the tensor, joined to it.

import type { Value } from '../graph.js';
import { dim } from '../shape.js';
import { concat } from './concat.js';
import { expand } from './expand.js';
import { listed, type OnnxContext, type OnnxReaders } from './onnx-reader.js';
import { axisOf } from './operator.js';
import { pad } from './pad.js';
import { slice } from './slice.js';

/** What is put in front of and behind one axis; negative where it is cut. */
interface Border {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

function readPad(context: OnnxContext): readonly Value[] {
  const mode = context.attributes.string('mode', 'constant');
  const borders = bordersOf(context);
  if (borders.length === 0) return [context.data(0)];
  if (mode === 'constant') return padded(context, cut(context, borders), borders);
  const sides = sidesOf.get(mode) ?? context.decline(`its mode '${mode}' is not supported`);
  if (borders.some(({ before, after }) => before < 0 || after < 0))
    context.decline(`it cuts, and pads by its mode '${mode}'`);
  if (borders.some(({ axis }) => axis === 0)) context.decline('it pads the batch');
  return [borders.reduce((x, border) => bordered(context, x, border, sides), context.data(0))];
}

/** The axes of which something changes. */
function bordersOf(context: OnnxContext): readonly Border[] {
  const { shape } = context.type(0);
  const pads = listed(context, 1);
  const axes = context.given(3) ? listed(context, 3).map((axis) => axisOf(axis, shape)) : [...shape.keys()];
  return axes
    .map((axis, k) => ({ axis, before: pads[k] ?? 0, after: pads[k + axes.length] ?? 0 }))
    .filter(({ before, after }) => before !== 0 || after !== 0);
}

/** The tensor without what negative borders take from it. */
function cut(context: OnnxContext, borders: readonly Border[]): Value {
  const x = context.data(0);
  const less = borders.filter(({ before, after }) => before < 0 || after < 0);
  if (less.length === 0) return x;
  const starts = less.map(({ before }) => Math.max(0, -before));
  const sizes = less.map(
    ({ axis, after }, k) => dim(x.type.shape, axis) - (starts[k] as number) - Math.max(0, -after),
  );
  return context.emit(slice({ axes: less.map(({ axis }) => axis), starts, sizes }), [x])[0] as Value;
}

function padded(context: OnnxContext, x: Value, borders: readonly Border[]): readonly Value[] {
  const value = context.given(2) ? (listed(context, 2)[0] ?? 0) : 0;
  const more = borders.filter(({ before, after }) => before > 0 || after > 0);
  if (more.length === 0) return [x];
  const op = pad({
    axes: more.map(({ axis }) => axis),
    before: more.map(({ before }) => Math.max(0, before)),
    after: more.map(({ after }) => Math.max(0, after)),
    value,
  });
  return context.emit(op, [x]);
}

/** Where a border of `count` elements comes from along an axis of `size`: steps of 0 repeat one element. */
interface Side {
  readonly start: number;
  readonly step: -1 | 0 | 1;
}

type Sides = (size: number, border: Border) => { readonly before: Side; readonly after: Side };

const sidesOf: ReadonlyMap<string, Sides> = new Map<string, Sides>([
  ['edge', (size) => ({ before: { start: 0, step: 0 }, after: { start: size - 1, step: 0 } })],
  [
    'reflect',
    (size, { before }) => ({ before: { start: before, step: -1 }, after: { start: size - 2, step: -1 } }),
  ],
  [
    'wrap',
    (size, { before }) => ({ before: { start: size - before, step: 1 }, after: { start: 0, step: 1 } }),
  ],
]);

function bordered(context: OnnxContext, x: Value, border: Border, sides: Sides): Value {
  const { axis } = border;
  const size = dim(x.type.shape, axis);
  const { before, after } = sides(size, border);
  if (!isInside(before, border.before, size) || !isInside(after, border.after, size))
    context.decline('its border is wider than what it is made of');
  const parts = [
    ...taken(context, x, axis, before, border.before),
    x,
    ...taken(context, x, axis, after, border.after),
  ];
  return context.emit(concat(axis), parts)[0] as Value;
}

/** Whether the `count` elements of a border lie along an axis of `size`. */
const isInside = ({ start, step }: Side, count: number, size: number): boolean =>
  count === 0 || [start, start + step * (count - 1)].every((position) => position >= 0 && position < size);

function taken(context: OnnxContext, x: Value, axis: number, side: Side, count: number): readonly Value[] {
  if (count === 0) return [];
  const { start, step } = side;
  const part = slice({ axes: [axis], starts: [start], sizes: [step === 0 ? 1 : count], steps: [step || 1] });
  const values = context.emit(part, [x]);
  if (step !== 0 || count === 1) return values;
  const sizes = x.type.shape.map((_, k) => (k === axis ? count : 1));
  return context.emit(expand(sizes), values);
}

export const readers: OnnxReaders = { Pad: readPad };
