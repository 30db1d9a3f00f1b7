// Blocks of pixels as channels and back, and repetition: orders of the same elements that files have operators for.

import type { Value } from '../graph.js';
import { elements } from '../shape.js';
import { concat } from './concat.js';
import { expand } from './expand.js';
import { listed, type OnnxContext, type OnnxReaders } from './onnx-reader.js';
import { requireImage } from './onnx-window.js';
import { reshape } from './reshape.js';
import { transpose } from './transpose.js';

type Image = readonly [n: number, c: number, h: number, w: number] & readonly number[];

/** Channels that lie together, or those of one place in all blocks, become a block of pixels. */
function readDepthToSpace(context: OnnxContext): readonly Value[] {
  requireImage(context);
  const [, c, h, w] = context.type(0).shape as Image;
  const block = context.attributes.int('blocksize');
  const channels = c / block ** 2;
  const together = context.attributes.string('mode', 'DCR') === 'CRD';
  const parts = together ? [channels, block, block, h, w] : [block, block, channels, h, w];
  const order = together ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  return rearranged(context, parts, order, [channels, h * block, w * block]);
}

function readSpaceToDepth(context: OnnxContext): readonly Value[] {
  requireImage(context);
  const [, c, h, w] = context.type(0).shape as Image;
  const block = context.attributes.int('blocksize');
  const [rows, columns] = [h / block, w / block];
  return rearranged(
    context,
    [c, rows, block, columns, block],
    [0, 3, 5, 1, 2, 4],
    [c * block ** 2, rows, columns],
  );
}

function rearranged(
  context: OnnxContext,
  parts: readonly number[],
  order: readonly number[],
  result: readonly number[],
): readonly Value[] {
  if (![...parts, ...result].every(Number.isInteger)) context.decline('its blocks do not fit');
  const apart = context.emit(reshape([0, ...parts]), [context.data(0)]);
  return context.emit(reshape([0, ...result]), context.emit(transpose(order), apart));
}

/** Nodes stay few; more copies are hardly of a network. */
const mostCopies = 64;

function readTile(context: OnnxContext): readonly Value[] {
  const repeats = listed(context, 1);
  if (repeats[0] !== 1) context.decline('it repeats the batch');
  if (
    elements(repeats) > mostCopies &&
    repeats.some((count, axis) => count > 1 && context.type(0).shape[axis] !== 1)
  )
    context.decline(`it makes more than ${mostCopies} copies`);
  return [repeats.reduce((x, count, axis) => repeated(context, x, axis, count), context.data(0))];
}

function repeated(context: OnnxContext, x: Value, axis: number, count: number): Value {
  if (count === 1) return x;
  if (count === 0) context.decline('its result is empty');
  const { shape } = x.type;
  const op = shape[axis] === 1 ? expand(shape.map((_, k) => (k === axis ? count : 1))) : concat(axis);
  const values = shape[axis] === 1 ? [x] : Array.from({ length: count }, () => x);
  return context.emit(op, values)[0] as Value;
}

export const readers: OnnxReaders = {
  DepthToSpace: readDepthToSpace,
  SpaceToDepth: readSpaceToDepth,
  Tile: readTile,
};
