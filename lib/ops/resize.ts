// Resampling of images by a factor along height and width: x [N, C, H, W]. Channels do not meet.

import type { OnnxForm, Op } from '../graph.js';
import type { TensorType } from '../shape.js';
import {
  arity,
  channelwise,
  emitOne,
  gradientOp,
  input,
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
    onnx: ([x], [y]) => onnx(attributes, x, y),
    zero: zeroWithFirst,
    joint: null,
    narrow: channelwise(() => op),
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

/** A factor such as 7 / 3 is not exact in binary; a millionth makes up for it before rounding down. */
function scaled(size: number, scale: number): number {
  const result = Math.floor(size * scale + 1e-6);
  if (!(result >= 1)) mismatch(`size ${size} times ${scale} leaves nothing`);
  return result;
}

/** The kernel's factor is the ratio of the sizes, so ONNX is given the same. */
function onnx({ mode, coordinates }: Resize, x?: TensorType, y?: TensorType): OnnxForm {
  const ratio = (axis: number): number => (y?.shape[axis] ?? 1) / (x?.shape[axis] ?? 1);
  return {
    opType: 'Resize',
    attributes: {
      mode,
      coordinate_transformation_mode: coordinates,
      ...(mode === 'nearest' ? { nearest_mode: nearestMode(coordinates) } : {}),
    },
    inputs: [0, '', { dtype: 'float32', shape: [4], data: [1, 1, ratio(2), ratio(3)] }],
  };
}

const nearestMode = (coordinates: Resize['coordinates']): string =>
  coordinates === 'asymmetric' ? 'floor' : 'round_prefer_floor';
