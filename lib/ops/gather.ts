// Taking elements at constant positions. There is no operator for it: a run of positions is a slice, and any
// rows of a matrix are a product with a matrix of zeros and ones, which has a gradient and is exact.

import type { Value } from '../graph.js';
import { dim, type Shape } from '../shape.js';
import { matmul } from './matmul.js';
import { listed, type OnnxContext, type OnnxLayout, type OnnxReaders } from './onnx-reader.js';
import { axisOf, mismatch } from './operator.js';
import { reshape, squeeze } from './reshape.js';
import { slice } from './slice.js';

/** Positions along an axis; their shape stands in its place. */
function readGather(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(0);
  const axis = axisOf(context.attributes.int('axis', 0), shape);
  const indices = listed(context, 1).map((index) => (index < 0 ? index + dim(shape, axis) : index));
  const [start = 0] = indices;
  if (indices.every((index, k) => index === start + k)) return readRun(context, axis, start, indices.length);
  if (axis > 0 || shape.length !== 2) context.decline('its indices are no run');
  return readRows(context, context.type(1).shape);
}

/** The batch may lie in the leading axis. */
function readRun(context: OnnxContext, axis: number, start: number, size: number): readonly Value[] {
  const { shape } = context.type(0);
  const cut = slice({ axes: [axis], starts: [start], sizes: [size] });
  const taken = size === shape[axis] ? [context.data(0)] : context.emit(cut, [context.data(0)]);
  const place = context.type(1).shape;
  if (place.length === 1) return taken;
  if (place.length === 0) return context.emit(squeeze([axis]), taken);
  const target = [...shape.slice(0, axis), ...place, ...shape.slice(axis + 1)];
  return context.emit(reshape(target.with(0, -1)), taken);
}

/** Positions in several axes at once; read where it is the first axis alone. */
function readGatherPositions(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(1);
  const rows = context.type(0).shape.length === 2 && shape.at(-1) === 1;
  if (!rows || context.attributes.int('batch_dims', 0) !== 0)
    context.decline('it does more than take rows of a matrix');
  return readRows(context, shape.slice(0, -1));
}

/** Rows of a matrix that does not hold the batch; `place` is the shape of the positions. */
function readRows(context: OnnxContext, place: Shape): readonly Value[] {
  const [count, columns] = context.type(0).shape as [number, number];
  if (context.nextType(0)?.shape[0] !== count) context.decline('it takes images of the batch');
  if (!context.constant(1)) context.decline('input 1 is not constant');
  const rows = context.emit(matmul(), [context.data(1, unitRows(count)), context.data(0)]);
  return place.length === 1 ? rows : context.emit(reshape([...place, columns]), rows);
}

/** Positions below `count` as rows of zeros with a one at the position. */
const unitRows =
  (count: number): OnnxLayout =>
  (positions) => {
    const data = new Float32Array(positions.data.length * count);
    for (let row = 0; row < positions.data.length; row++) {
      const position = positions.data[row] as number;
      const front = position < 0 ? position + count : position;
      if (front < 0 || front >= count)
        mismatch(`row ${position} does not exist in a matrix of ${count} rows`);
      data[row * count + front] = 1;
    }
    return { ...positions, dtype: 'float', shape: [positions.data.length, count], data };
  };

export const readers: OnnxReaders = { Gather: readGather, GatherND: readGatherPositions };
