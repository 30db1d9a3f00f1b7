// Resampling of images by a factor along height and width: x [N, C, H, W]. Channels do not meet.

import type { OnnxForm, Op, Value } from '../graph.js';
import { dim, type TensorType } from '../shape.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import { requireImage } from './onnx-window.js';
import {
  arity,
  axisOf,
  channelwise,
  emitOne,
  gradientOp,
  input,
  int64Vector,
  linearInFirst,
  mismatch,
  noMacs,
  operand,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';
import type { Pair } from './window.js';

export interface Resize {
  /** Factors of height and width; the result has floor(size * factor). */
  readonly scales: Pair;
  readonly mode: 'nearest' | 'linear';
  /** How a position in the result becomes one in the input; ONNX's names. */
  readonly coordinates: 'half_pixel' | 'asymmetric' | 'align_corners';
}

/**
 * resize: x -> y [N, C, floor(H sh), floor(W sw)]. Nearest takes the floor of an asymmetric position
 * (PyTorch's `nearest`) and otherwise rounds, halves down; linear weights the two neighbours.
 */
export function resize(attributes: Resize): Op {
  const { scales, mode, coordinates } = attributes;
  const op: Op = {
    name: 'Resize',
    attrs: { scales, mode, coordinates },
    infer: (inputs) => {
      arity(inputs, 1, 1);
      return [resized(scales, operand(inputs, 0, 'input', 4))];
    },
    gradient: (context) => {
      const backward = resizeBackward(attributes, input(context, 0).type);
      return [emitOne(context, backward, [upstream(context)])];
    },
    lower: () => ({ kernel: 'resize', attrs: { mode, coordinates } }),
    macs: noMacs,
    onnx: (_, [y]) => onnx(attributes, y),
    zero: zeroWithFirst,
    homogeneous: linearInFirst,
    joint: null,
    narrow: channelwise(() => op),
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

/** dL/dx: each dy goes back to the elements that made it, by their weights. */
export const resizeBackward = ({ mode, coordinates }: Resize, x: TensorType): Op =>
  gradientOp({
    name: 'ResizeBackward',
    kernel: 'resize_backward',
    attrs: { mode, coordinates },
    outputs: [x],
  });

function resized(scales: Pair, { dtype, shape }: TensorType): TensorType {
  const [n, c, h, w] = shape as readonly [number, number, number, number];
  return { dtype, shape: [n, c, scaled(h, scales[0]), scaled(w, scales[1])] };
}

/** A factor such as 7 / 3 is not exact, in a file even less; a millionth makes up for it before rounding down. */
function scaled(size: number, scale: number): number {
  const result = Math.floor(size * scale * (1 + 1e-6));
  if (!(result >= 1)) mismatch(`size ${size} times ${scale} leaves nothing`);
  return result;
}

/** Sizes rather than factors: a factor such as 7 / 3 is inexact, and both sides take the ratio of the sizes. */
function onnx({ mode, coordinates }: Resize, y?: TensorType): OnnxForm {
  return {
    opType: 'Resize',
    attributes: {
      mode,
      coordinate_transformation_mode: coordinates,
      axes: [2, 3],
      ...(mode === 'nearest' ? { nearest_mode: nearestMode(coordinates) } : {}),
    },
    inputs: [0, '', '', int64Vector(y?.shape.slice(2) ?? [])],
  };
}

const nearestMode = (coordinates: Resize['coordinates']): string =>
  coordinates === 'asymmetric' ? 'floor' : 'round_prefer_floor';

function read(context: OnnxContext): readonly Value[] {
  requireImage(context);
  const { attributes } = context;
  const mode = attributes.string('mode', 'nearest');
  if (mode !== 'nearest' && mode !== 'linear') context.decline(`its mode '${mode}' is not supported`);
  if (attributes.int('antialias', 0) === 1) context.decline('it smooths before it samples');
  const scales = readScales(context);
  const coordinates = readCoordinates(context, scales);
  const rounding = attributes.string('nearest_mode', 'round_prefer_floor');
  if (mode === 'nearest' && rounding !== nearestMode(coordinates)) {
    context.decline(`it rounds positions of kind '${coordinates}' by '${rounding}'`);
  }
  return context.emit(resize({ scales, mode, coordinates }), [context.data(0)]);
}

/** PyTorch's half_pixel differs from ONNX's only where one position is left. */
function readCoordinates(context: OnnxContext, scales: Pair): Resize['coordinates'] {
  const name = context.attributes.string('coordinate_transformation_mode', 'half_pixel');
  const [h, w] = context.type(0).shape.slice(2) as readonly [number, number] & number[];
  const several = scaled(h, scales[0]) > 1 && scaled(w, scales[1]) > 1;
  if (name === 'pytorch_half_pixel' && several) return 'half_pixel';
  if (name === 'half_pixel' || name === 'asymmetric' || name === 'align_corners') return name;
  return context.decline(`its coordinates '${name}' are not supported`);
}

/** Factors of height and width, given as such or by the sizes of the result. */
function readScales(context: OnnxContext): Pair {
  const { shape } = context.type(0);
  const axes = context.attributes.ints('axes', [0, 1, 2, 3]).map((axis) => axisOf(axis, shape));
  const given = context.given(3) ? 3 : 2;
  const listed = Array.from(context.constant(given)?.data ?? context.decline('its sizes are not constant'));
  const factors = given === 2 ? listed : factorsTo(context, listed, axes);
  const [n, c, h, w] = [0, 1, 2, 3].map((axis) => factors[axes.indexOf(axis)] ?? 1) as [
    number,
    number,
    number,
    number,
  ];
  if (n !== 1 || c !== 1) context.decline('it resizes more than height and width');
  const whole = [h, w].every((scale, axis) => isWhole((shape[axis + 2] as number) * scale));
  if (!whole) context.decline('its factors do not give whole sizes');
  return [h, w];
}

/** Factors along `axes` to the listed sizes; to keep the ratio of the sizes they are one for all axes. */
function factorsTo(
  context: OnnxContext,
  listed: readonly number[],
  axes: readonly number[],
): readonly number[] {
  const { shape } = context.type(0);
  const own = axes.map((axis, k) => (listed[k] ?? dim(shape, axis)) / dim(shape, axis));
  const policy = context.attributes.string('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return own;
  if (policy === 'not_larger') return own.map(() => Math.min(...own));
  if (policy === 'not_smaller') return own.map(() => Math.max(...own));
  return context.decline(`its keep_aspect_ratio_policy '${policy}' is not known`);
}

/** Up to the precision of a factor in single precision. */
const isWhole = (size: number): boolean => Math.abs(size - Math.round(size)) < 1e-4 * size;

export const readers: OnnxReaders = { Resize: read };
