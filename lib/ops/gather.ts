// Taking elements at constant positions. There is no operator for it: runs of positions are slices, a few of them
// joined, and any positions are a product with a matrix of zeros and ones, which has a gradient and is exact.

import type { Value } from '../graph.js';
import { dim, elements, sameShape, type Shape } from '../shape.js';
import { concat } from './concat.js';
import { matmul } from './matmul.js';
import {
  batchAxis,
  listed,
  requireApart,
  type OnnxContext,
  type OnnxLayout,
  type OnnxReaders,
} from './onnx-reader.js';
import { axisOf, mismatch } from './operator.js';
import { reshape, squeeze } from './reshape.js';
import { slice } from './slice.js';
import { transpose } from './transpose.js';

/** Positions along an axis; their shape stands in its place. */
function readGather(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(0);
  const axis = axisOf(context.attributes.int('axis', 0), shape);
  const positions = positionsIn(listed(context, 1), dim(shape, axis));
  const place = context.type(1).shape;
  if (!isWhole(context, axis, positions)) requireApart(context, axis);
  const [first, ...others] = runsOf(positions);
  const part = others.length === 0 && first?.step === 1;
  if (!part && axis === 0 && shape.length === 2) return readRows(context, place);
  const taken = take(context, context.data(0), axis, positions);
  if (place.length === 1) return [taken];
  if (place.length === 0) return context.emit(squeeze([axis]), [taken]);
  return placed(context, taken, axis, [...shape.slice(0, axis), ...place, ...shape.slice(axis + 1)]);
}

/**
 * Whether the positions are all in their order, of an axis along which every image has several: exporters list
 * what one image has where nothing is to be taken away.
 */
function isWhole(context: OnnxContext, axis: number, positions: readonly number[]): boolean {
  const size = dim(context.type(0).shape, axis);
  const next = context.nextType(0)?.shape[axis] ?? size;
  return next - size > 1 && positions.length === size && positions.every((position, k) => position === k);
}

/** Positions counted from the front. */
const positionsIn = (positions: readonly number[], size: number): readonly number[] =>
  positions.map((position) => {
    const front = position < 0 ? position + size : position;
    if (front < 0 || front >= size)
      mismatch(`position ${position} does not exist in an axis of size ${size}`);
    return front;
  });

/** What was taken along `last` and axes before it, in a shape that the positions have in their place. */
function placed(context: OnnxContext, value: Value, last: number, target: Shape): readonly Value[] {
  if (sameShape(value.type.shape, target)) return [value];
  const batch = batchAxis(context);
  if (batch < 0) return context.emit(reshape(target), [value]);
  const axis = batch > last ? batch + target.length - context.type(0).shape.length : batch;
  return context.emit(reshape(target.with(axis, -1)), [value]);
}

/** Positions start, start + step, ...: `size` of them. */
interface Run {
  readonly start: number;
  readonly step: number;
  readonly size: number;
}

/** Positions as the fewest runs that lie one after another. */
function runsOf(positions: readonly number[]): readonly Run[] {
  const runs: Run[] = [];
  for (const position of positions) {
    const last = runs.at(-1);
    const step = last?.size === 1 ? position - last.start : last?.step;
    const follows = last && step !== 0 && position === last.start + last.size * (step ?? 1);
    if (follows) runs[runs.length - 1] = { ...last, step: step ?? 1, size: last.size + 1 };
    else runs.push({ start: position, step: 1, size: 1 });
  }
  return runs;
}

/** More runs than this are a product with a matrix. */
const mostRuns = 32;

/** The elements of `value` at `positions` of an axis. */
function take(context: OnnxContext, value: Value, axis: number, positions: readonly number[]): Value {
  const runs = runsOf(positions);
  const [first] = runs;
  const whole = positions.length === value.type.shape[axis] && first?.step === 1 && first.start === 0;
  if (runs.length === 1 && whole) return value;
  if (runs.length === 0) context.decline('it takes nothing');
  if (runs.length > mostRuns) return takeAny(context, value, axis, positions);
  const parts = runs.map(
    ({ start, step, size }) =>
      context.emit(slice({ axes: [axis], starts: [start], sizes: [size], steps: [step] }), [
        value,
      ])[0] as Value,
  );
  return parts.length === 1 ? (parts[0] as Value) : (context.emit(concat(axis), parts)[0] as Value);
}

/** As a product with a matrix: the axis is brought to the end, and back. */
function takeAny(context: OnnxContext, value: Value, axis: number, positions: readonly number[]): Value {
  const { shape } = value.type;
  if (shape.length < 2) context.decline('it takes many elements of a vector');
  requireFew(context, positions, dim(shape, axis));
  const others = [...shape.keys()].filter((k) => k !== axis);
  const last = axis === shape.length - 1;
  const turned = last ? [value] : context.emit(transpose([...others, axis]), [value]);
  const units = context.data(1, unitColumns(positions, dim(shape, axis)));
  const taken = context.emit(matmul(), [...turned, units]);
  if (last) return taken[0] as Value;
  const back = [...shape.keys()].map((k) => (k === axis ? shape.length - 1 : others.indexOf(k)));
  return context.emit(transpose(back), taken)[0] as Value;
}

/** Positions in the first axes at once: in one of them, or in two that do not depend on each other. */
function readGatherPositions(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(0);
  if (context.attributes.int('batch_dims', 0) !== 0) context.decline('it takes others of each image');
  const place = context.type(1).shape.slice(0, -1);
  const depth = context.type(1).shape.at(-1) ?? 0;
  if (depth === 1 && shape.length === 2) return readRows(context, place);
  requireApart(context, ...[0, 1].slice(0, depth));
  const grid = depth < 3 ? gridOf(listed(context, 1), depth, place) : null;
  if (!grid) return context.decline('its positions are no grid of one or two axes');
  const taken = grid.reduce(
    (value, positions, axis) => take(context, value, axis, positionsIn(positions, dim(shape, axis))),
    context.data(0),
  );
  return placed(context, taken, depth - 1, [...place, ...shape.slice(depth)]);
}

/** The positions in each of `depth` axes, where each depends on some of the axes of `place`, in their order. */
function gridOf(
  listed: readonly number[],
  depth: number,
  place: Shape,
): readonly (readonly number[])[] | null {
  const along = (axis: number): readonly number[] => listed.filter((_, index) => index % depth === axis);
  if (depth === 1) return [along(0)];
  const [rows, columns] = [along(0), along(1)];
  for (let cut = 1; cut < place.length; cut++) {
    const width = elements(place.slice(cut));
    const product = rows.every(
      (row, index) => row === rows[index - (index % width)] && columns[index] === columns[index % width],
    );
    if (product) return [rows.filter((_, index) => index % width === 0), columns.slice(0, width)];
  }
  return null;
}

/** Rows of a matrix that does not hold the batch; `place` is the shape of the positions. */
function readRows(context: OnnxContext, place: Shape): readonly Value[] {
  const [count, columns] = context.type(0).shape as [number, number];
  if (context.nextType(0)?.shape[0] !== count) context.decline('it takes images of the batch');
  const positions = positionsIn(listed(context, 1), count);
  requireFew(context, positions, count);
  const rows = context.emit(matmul(), [context.data(1, unitRows(positions, count)), context.data(0)]);
  return place.length === 1 ? rows : context.emit(reshape([...place, columns]), rows);
}

/** What a file may want of memory by a few positions. */
const mostUnits = 2 ** 24;

function requireFew(context: OnnxContext, positions: readonly number[], count: number): void {
  if (positions.length * count > mostUnits)
    context.decline(`it takes ${positions.length} elements of ${count} in no order`);
}

/** Rows of zeros with a one at each of the positions, made when they are asked for. */
const unitRows =
  (positions: readonly number[], count: number): OnnxLayout =>
  ({ name, stored }) => ({
    name,
    stored,
    dtype: 'float',
    shape: [positions.length, count],
    get data() {
      const data = new Float32Array(positions.length * count);
      for (const [row, position] of positions.entries()) data[row * count + position] = 1;
      return data;
    },
  });

/** Likewise columns. */
const unitColumns =
  (positions: readonly number[], count: number): OnnxLayout =>
  ({ name, stored }) => ({
    name,
    stored,
    dtype: 'float',
    shape: [count, positions.length],
    get data() {
      const data = new Float32Array(positions.length * count);
      for (const [column, position] of positions.entries()) data[position * positions.length + column] = 1;
      return data;
    },
  });

export const readers: OnnxReaders = { Gather: readGather, GatherND: readGatherPositions };
