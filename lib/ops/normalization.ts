// Batch normalisation and its gradient: x [N, C, ...]; scale, bias, running mean and variance [C].
// Results: y like x, and the statistics of the batch [C], which the gradient reads.

import type { Epilogue, GradientContext, KernelCall, Mode, NarrowRule, Op, Value } from '../graph.js';
import type { TensorType } from '../shape.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import {
  arity,
  gradientOp,
  input,
  linearNorm,
  noMacs,
  operand,
  output,
  unfusable,
  upstream,
  vector,
  withEpilogue,
} from './operator.js';

export interface BatchNorm {
  readonly epsilon: number;
  /** Weight of the new batch in the running statistics (PyTorch's convention; ONNX has 1 - momentum). */
  readonly momentum: number;
  readonly epilogue?: Epilogue;
}

const PARAMETERS = [
  [1, 'scale'],
  [2, 'bias'],
  [3, 'mean'],
  [4, 'variance'],
] as const;

/** batchNorm: x, scale, bias, mean, variance -> y = (x - m) / sqrt(v + epsilon) * scale + bias, m, 1 / sqrt(v + epsilon). */
export function batchNorm(options: Partial<BatchNorm> = {}): Op {
  const { epsilon = 1e-5, momentum = 0.1, epilogue } = options;
  const attrs = { epsilon, momentum };
  const attributes: BatchNorm = epilogue ? { ...attrs, epilogue } : attrs;
  return {
    name: 'BatchNorm',
    attrs: withEpilogue(attrs, epilogue),
    infer: results,
    gradient: (context) => gradient(attributes, context),
    lower: (mode) => lower(attributes, mode),
    macs: noMacs,
    onnx: epilogue ? null : () => onnx(attributes),
    // Whatever the statistics are, only scale and bias at zero silence every mode.
    zero: (zeros) => (zeros[1] && zeros[2]) === true,
    homogeneous: linearNorm(epilogue),
    joint: null,
    narrow: narrow(attributes),
    probabilities: null,
    epilogue: null,
    fuse: epilogue ? unfusable : (epilogue) => batchNorm({ ...attributes, epilogue }),
  };
}

/**
 * With xhat = (x - m) s and s = 1 / sqrt(v + epsilon), over the M elements of a channel:
 * dbias = sum dy, dscale = sum dy xhat, dx = scale s (dy - dbias / M - xhat dscale / M).
 */
export const batchNormBackward = (x: TensorType, scale: TensorType, epilogue?: Epilogue): Op =>
  gradientOp({
    name: 'BatchNormBackward',
    kernel: 'batch_norm_backward',
    attrs: withEpilogue({}, epilogue),
    outputs: [x, scale, scale],
    images: true,
  });

function results(inputs: readonly TensorType[]): readonly TensorType[] {
  arity(inputs, 5, 5);
  const x = operand(inputs, 0, 'input', 2, 3, 4);
  const channels = x.shape[1] as number;
  for (const [index, role] of PARAMETERS) vector(inputs, index, role, channels);
  const statistic: TensorType = { dtype: x.dtype, shape: [channels] };
  return [x, statistic, statistic];
}

function gradient({ epilogue }: BatchNorm, context: GradientContext): readonly (Value | null)[] {
  const [x, scale] = [input(context, 0), input(context, 1)];
  // From the bias follows where the epilogue cut off, at a third less to read than y.
  const saved = [output(context, 1), output(context, 2), ...(epilogue ? [input(context, 2)] : [])];
  const backward = batchNormBackward(x.type, scale.type, epilogue);
  const [dx = null, dscale = null, dbias = null] = context.emit(backward, [
    x,
    upstream(context),
    scale,
    ...saved,
  ]);
  return [dx, dscale, dbias, null, null];
}

function lower({ epsilon, momentum, epilogue }: BatchNorm, mode: Mode): KernelCall {
  if (mode === 'eval') {
    const attrs = withEpilogue({ epsilon }, epilogue);
    return { kernel: 'batch_norm_inference', attrs, outputs: [0], images: true };
  }
  const attrs = withEpilogue({ epsilon, momentum }, epilogue);
  const call: KernelCall = { kernel: 'batch_norm', attrs, images: true };
  return mode === 'train' ? { ...call, updates: [3, 4] } : call;
}

const narrow =
  (attributes: BatchNorm): NarrowRule =>
  ([kept = null, ...others]) => {
    if (!kept || others.some((k) => k !== null)) return null;
    const slices = PARAMETERS.map(([index]) => ({ input: index, axis: 0, keep: kept }));
    return { op: batchNorm(attributes), slices, outputs: [kept, null, null] };
  };

const onnx = ({ epsilon, momentum }: BatchNorm) => ({
  opType: 'BatchNormalization',
  attributes: { epsilon: { float: epsilon }, momentum: { float: 1 - momentum } },
  outputs: [0],
});

/** Running statistics come from the file; ONNX's momentum weighs the old ones. */
function read(context: OnnxContext): readonly Value[] {
  const { attributes } = context;
  const momentum = 1 - attributes.float('momentum', 0.9);
  const op = batchNorm({
    epsilon: attributes.float('epsilon', 1e-5),
    momentum: Number(momentum.toPrecision(6)),
  });
  const parameters = [context.trained(1), context.trained(2), context.statistic(3), context.statistic(4)];
  return context.emit(op, [context.data(0), ...parameters]).slice(0, 1);
}

export const readers: OnnxReaders = { BatchNormalization: read };
