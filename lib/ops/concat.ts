// Joining tensors along an axis and taking them apart again; each is the other's gradient. Joining
// along the channel axis is a joint: the rest is still defined when one input disappears.

import type { GradientContext, Kept, NarrowRule, Op, Value } from '../graph.js';
import { dim, elements, formatShape, type Shape, type TensorType } from '../shape.js';
import { add } from './arithmetic.js';
import { listed, requireApart, type OnnxContext, type OnnxReaders, type OnnxTensor } from './onnx-reader.js';
import {
  arity,
  axisOf,
  emitOne,
  input,
  linearInAll,
  linearInFirst,
  mismatch,
  noMacs,
  operand,
  unfusable,
  zeroWithAll,
  zeroWithFirst,
} from './operator.js';
import { pad } from './pad.js';
import { squeeze } from './reshape.js';
import { sliceBackward } from './slice.js';
import { sum } from './sum.js';

const CHANNELS = 1;

/** concat: x1, ..., xn -> y, shapes equal but for `axis`. */
export function concat(axis = CHANNELS): Op {
  const op: Op = {
    name: 'Concat',
    attrs: { axis },
    infer: (inputs) => [joined(axis, inputs)],
    gradient: (context) => concatGradient(axis, context),
    lower: () => ({ kernel: 'concat', attrs: { axis } }),
    macs: noMacs,
    onnx: () => ({ opType: 'Concat', attributes: { axis } }),
    zero: zeroWithAll,
    homogeneous: linearInAll,
    joint: axis === CHANNELS ? 'concat' : 'beside',
    narrow: axis === CHANNELS ? narrowJoined(() => op) : narrowAlike(() => op),
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

/** split: x -> y1, ..., yn, of `sizes` along `axis`. */
export function split(axis: number, sizes: readonly number[]): Op {
  const op: Op = {
    name: 'Split',
    attrs: { axis, sizes },
    infer: (inputs) => parts(axis, sizes, inputs),
    gradient: (context) => [splitGradient(axis, sizes, context)],
    lower: () => ({ kernel: 'split', attrs: { axis } }),
    macs: noMacs,
    onnx: () => ({
      opType: 'Split',
      attributes: { axis },
      inputs: [0, { dtype: 'int64', shape: [sizes.length], data: sizes }],
    }),
    zero: zeroWithFirst,
    homogeneous: linearInFirst,
    joint: null,
    narrow: axis === CHANNELS ? narrowParts(sizes) : (kept) => everywhere(op, kept[0] ?? null, sizes.length),
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

function joined(axis: number, inputs: readonly TensorType[]): TensorType {
  const first = operand(inputs, 0, 'the first input');
  axisOf(axis, first.shape);
  inputs.forEach((type, index) => {
    if (type.dtype === first.dtype && fits(type.shape, first.shape, axis)) return;
    mismatch(
      `input ${index} ${formatShape(type.shape)} differs from input 0 ${formatShape(first.shape)}` +
        ` in more than axis ${axis}`,
    );
  });
  const size = inputs.reduce((total, type) => total + dim(type.shape, axis), 0);
  return { dtype: first.dtype, shape: first.shape.with(axis, size) };
}

const fits = (a: Shape, b: Shape, axis: number): boolean =>
  a.length === b.length && a.every((size, index) => index === axis || size === b[index]);

function parts(axis: number, sizes: readonly number[], inputs: readonly TensorType[]): readonly TensorType[] {
  arity(inputs, 1, 1);
  const x = operand(inputs, 0, 'input');
  const size = dim(x.shape, axisOf(axis, x.shape));
  const total = sizes.reduce((sum, part) => sum + part, 0);
  if (total !== size) mismatch(`parts of ${sizes.join(', ')} do not make up axis ${axis} of size ${size}`);
  return sizes.map((part) => ({ dtype: x.dtype, shape: x.shape.with(axis, part) }));
}

function concatGradient(axis: number, context: GradientContext): readonly (Value | null)[] {
  const [dy] = context.gradients;
  const sizes = context.node.inputs.map((value) => dim(value.type.shape, axis));
  return context.emit(split(axis, sizes), [dy as Value]);
}

/** Parts that do not reach the loss contribute zero. */
function splitGradient(axis: number, sizes: readonly number[], context: GradientContext): Value {
  const parts = context.gradients.filter((gradient) => gradient !== null);
  if (parts.length === sizes.length) return emitOne(context, concat(axis), parts);
  const { type } = input(context, 0);
  const placed = context.gradients.flatMap((gradient, index) => {
    if (!gradient) return [];
    const starts = [sizes.slice(0, index).reduce((total, size) => total + size, 0)];
    const place = sliceBackward({ axes: [axis], starts, sizes: [], steps: [1] }, type);
    return [emitOne(context, place, [gradient])];
  });
  return placed.length === 1 ? (placed[0] as Value) : emitOne(context, sum(), placed);
}

/** Channels kept of the result: those of each input, moved behind the inputs before it. */
const narrowJoined =
  (op: () => Op): NarrowRule =>
  (kept, inputs) => {
    if (kept.every((k) => k === null)) return { op: op(), slices: [], outputs: [null] };
    const result: number[] = [];
    let offset = 0;
    inputs.forEach((type, index) => {
      const size = dim(type.shape, CHANNELS);
      for (const channel of kept[index] ?? Array(size).keys()) result.push(offset + channel);
      offset += size;
    });
    return { op: op(), slices: [], outputs: [result] };
  };

/** Along another axis the inputs must lose the same channels. */
const narrowAlike =
  (op: () => Op): NarrowRule =>
  ([first = null, ...others]) =>
    others.every((kept) => String(kept) === String(first)) ? everywhere(op(), first, 1) : null;

/** Every part keeps what is left of its own channels; an empty part would change what follows. */
const narrowParts =
  (sizes: readonly number[]): NarrowRule =>
  ([kept = null]) => {
    if (!kept) return null;
    let offset = 0;
    const outputs = sizes.map((size) => {
      const start = offset;
      offset += size;
      return kept.filter((c) => c >= start && c < offset).map((c) => c - start);
    });
    if (outputs.some((part) => part.length === 0)) return null;
    const left = outputs.map((part) => part.length);
    return {
      op: split(CHANNELS, left),
      slices: [],
      outputs: outputs.map((part, index) => (part.length === sizes[index] ? null : part)),
    };
  };

const everywhere = (op: Op, kept: Kept, outputs: number) => ({
  op,
  slices: [],
  outputs: Array.from({ length: outputs }, () => kept),
});

/** Sizes are an input, an attribute (before operator set 13), or equal. */
function splitSizes(context: OnnxContext, size: number): readonly number[] {
  const { attributes, outputs } = context;
  if (context.given(1)) {
    return Array.from(context.constant(1)?.data ?? context.decline('its sizes are not constant'));
  }
  if (attributes.has('split')) return attributes.ints('split');
  return equalParts(size, Math.ceil(size / outputs), outputs);
}

/** The last part is smaller where the others leave less. */
const equalParts = (size: number, part: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => Math.min(part, size - index * part));

/** More parts than this are taken for a mistake of the file, which must not cost memory. */
const mostParts = 2 ** 12;

/** Sizes are listed, or one for all parts, of one position each where there is none. */
function sequenceSizes(context: OnnxContext, size: number): readonly number[] {
  const sizes = context.given(1) ? listed(context, 1) : [1];
  if (context.given(1) && context.constant(1)?.shape.length !== 0) return sizes;
  const [part = 0] = sizes;
  if (part < 1) mismatch(`parts of size ${part} do not make up an axis of size ${size}`);
  const count = Math.ceil(size / part);
  if (count > mostParts) context.decline(`it makes ${count} parts`);
  return equalParts(size, part, count);
}

const splitAxis = (context: OnnxContext): number =>
  axisOf(context.attributes.int('axis', 0), context.type(0).shape);

/** The parts of input 0, as large as `sizes` reads for an axis of a size. */
function emitParts(
  context: OnnxContext,
  sizes: (context: OnnxContext, size: number) => readonly number[],
): readonly Value[] {
  const axis = splitAxis(context);
  requireApart(context, axis);
  return context.emit(split(axis, sizes(context, dim(context.type(0).shape, axis))), [context.data(0)]);
}

/** The parts; those of one position each may be asked for without the axis. */
function readSplitToSequence(context: OnnxContext): readonly (readonly Value[])[] {
  const parts = emitParts(context, sequenceSizes);
  if (context.given(1) || context.attributes.int('keepdims', 1) === 1) return [parts];
  return [parts.map((part) => context.emit(squeeze([splitAxis(context)]), [part])[0] as Value)];
}

function readSequenceAt(context: OnnxContext): readonly Value[] {
  const values = context.sequence(0);
  const [position = NaN] = listed(context, 1);
  return [values.at(position) ?? mismatch(`position ${position} is not in a sequence of ${values.length}`)];
}

function readConcat(context: OnnxContext): readonly Value[] {
  const axis = axisOf(context.attributes.int('axis'), context.type(0).shape);
  const parts = partsWithContents(context, axis);
  const fixed = parts.filter((index) => isPerImage(context, index, axis));
  if (fixed.length === 0 || fixed.length === parts.length)
    return context.emit(
      concat(axis),
      parts.map((index) => context.data(index)),
    );
  return joinEveryImage(context, axis, parts, fixed);
}

/** The parts that add to the result; all of them where none does. */
function partsWithContents(context: OnnxContext, axis: number): readonly number[] {
  const parts = Array.from({ length: context.inputs }, (_, index) => index);
  const filled = parts.filter((index) => dim(context.type(index).shape, axis) > 0);
  return filled.length > 0 ? filled : parts;
}

/** Whether a part is a constant that the file repeats for every image. */
function isPerImage(context: OnnxContext, index: number, axis: number): boolean {
  const constant = context.constant(index);
  if (!constant || axis === 0) return false;
  const { data, shape } = constant;
  const length = elements(shape.slice(1));
  for (let i = length; i < data.length; i++) if (data[i] !== data[i - length]) return false;
  return true;
}

const oneImage = ({ name, stored, dtype, shape, data }: OnnxTensor): OnnxTensor => ({
  name,
  stored,
  dtype,
  shape: shape.with(0, 1),
  data: Array.from({ length: elements(shape.slice(1)) }, (_, index) => data[index] as number),
});

/**
 * Constants beside data, such as class tokens, in front of what every image has: each part is surrounded
 * by zeros up to the size of the result and added, since sums repeat a constant for all images.
 */
function joinEveryImage(
  context: OnnxContext,
  axis: number,
  parts: readonly number[],
  fixed: readonly number[],
): readonly Value[] {
  const sizes = parts.map((index) => dim(context.type(index).shape, axis));
  const length = (part: readonly number[]): number =>
    part.reduce((sum, index) => sum + (sizes[index] as number), 0);
  const surrounded = (index: number, value: Value): Value => {
    const before = [length(parts.slice(0, index))];
    const after = [length(parts.slice(index + 1))];
    return context.emit(pad({ axes: [axis], before, after }), [value])[0] as Value;
  };
  const terms = parts.map((index) => {
    if (!fixed.includes(index)) return surrounded(index, context.data(index));
    const value = context.constant(index)?.stored
      ? context.trained(index, oneImage)
      : context.data(index, oneImage);
    return surrounded(index, value);
  });
  return [terms.reduce((total, term) => context.emit(add(), [total, term])[0] as Value)];
}

export const readers: OnnxReaders = {
  Concat: readConcat,
  SequenceAt: readSequenceAt,
  Split: (context) => emitParts(context, splitSizes),
  SplitToSequence: readSplitToSequence,
};
