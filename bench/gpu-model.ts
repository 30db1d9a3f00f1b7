// What a training step asks of a GPU, from the very program that the engine would run, held against an H100's
// limits: no step can be faster than its operations at the one rate or its bytes at the other. Two kinds of
// bytes: what must move when every operand is read or written once, and what the engine's kernels do move,
// as some read an operand twice. Caches are left out of it.

import type { Program, Step, Tensor } from '../lib/compile/program.js';
import { elements } from '../lib/shape.js';
import { H100_BANDWIDTH, piecesOf, updateBytes } from './update-bytes.js';
import { plainBytes, workOf } from './work.js';

/** What images are kept and multiplied in. */
export const modelledPrecisions = ['tf32', 'bf16'] as const;
export type ModelledPrecision = (typeof modelledPrecisions)[number];

/** Rates of an H100 SXM without sparsity, a second: products in tensor cores, and of fp32 elsewhere. */
const TENSOR_FLOPS: Readonly<Record<ModelledPrecision, number>> = { tf32: 494.7e12, bf16: 989.4e12 };
const FP32_FLOPS = 66.9e12;

/** Bytes of an element of an image. */
const IMAGE_BYTES: Readonly<Record<ModelledPrecision, number>> = { tf32: 4, bf16: 2 };

/** Steps of one kind together. */
export interface KernelCost {
  readonly kernel: string;
  readonly steps: number;
  readonly flops: number;
  /** Every operand once. */
  readonly bytes: number;
  /** As the engine's kernels read and write. */
  readonly movedBytes: number;
  /** The longer of arithmetic and memory, in milliseconds, step by step. */
  readonly milliseconds: number;
}

/** Costs of an entry by kernel, the costliest first. Depthwise convolutions are a kind of their own. */
export function costsOf(
  program: Program,
  entry: string,
  precision: ModelledPrecision = 'tf32',
): readonly KernelCost[] {
  const steps = program.entries.find(({ name }) => name === entry)?.steps ?? [];
  const held = heldIn(precision);
  const work = workOf(program, entry, held.bytesOf);
  const costs = new Map<string, KernelCost>();
  for (const [index, step] of steps.entries()) {
    const { flops, bytes } = work[index] as (typeof work)[number];
    const cost = costOfStep(program, step, flops, bytes, held);
    costs.set(cost.kernel, plus(costs.get(cost.kernel), cost));
  }
  return [...costs.values()].toSorted((a, b) => b.milliseconds - a.milliseconds);
}

export const totalOf = (costs: readonly KernelCost[]): KernelCost =>
  costs.reduce((sum, cost) => ({ ...plus(sum, cost), kernel: 'all' }));

/** How a device holds tensors at a precision. */
interface Held {
  readonly precision: ModelledPrecision;
  /** Bytes of an element of an image. */
  readonly image: number;
  readonly bytesOf: (tensor: Tensor) => number;
}

/** Images have four axes and lie in no arena. */
const isImage = ({ dtype, shape, storage }: Tensor): boolean =>
  dtype === 'f32' && shape.length === 4 && storage.kind !== 'arena';

/** All but images is held as in the program. */
function heldIn(precision: ModelledPrecision): Held {
  const image = IMAGE_BYTES[precision];
  return {
    precision,
    image,
    bytesOf: (tensor) => (isImage(tensor) ? image * elements(tensor.shape) : plainBytes(tensor)),
  };
}

function costOfStep(program: Program, step: Step, flops: number, operands: number, held: Held): KernelCost {
  const tensors = (indices: readonly number[]): readonly Tensor[] =>
    indices.map((index) => program.tensors[index] as Tensor);
  const isUpdate = step.kernel === 'update';
  const bytes = isUpdate ? bytesOfUpdate(program, step) : operands;
  const depthwise = isDepthwise(program, step);
  const moved: Operands = {
    inputs: tensors(step.inputs),
    outputs: tensors(step.outputs),
    rectified: step.attrs['epilogue'] !== undefined,
  };
  const again = (depthwise ? undefined : rereads[step.kernel])?.(moved, held) ?? 0;
  const rate = depthwise ? FP32_FLOPS : TENSOR_FLOPS[held.precision];
  return {
    kernel: depthwise ? `${step.kernel}, depthwise` : step.kernel,
    steps: 1,
    flops,
    bytes,
    movedBytes: bytes + again,
    milliseconds: 1e3 * Math.max(flops / rate, (bytes + again) / H100_BANDWIDTH),
  };
}

interface Operands {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly rectified: boolean;
}

/**
 * Bytes that native/cuda moves beyond one read or write of every operand. Those of depthwise convolutions are not
 * counted: with stride 1 they are none but for the filters, with others the gradient of the filters reads both
 * images once a tap.
 */
const rereads: Readonly<Record<string, (operands: Operands, held: Held) => number>> = {
  // Weights are brought to cuDNN's order and the images' type, and back: written and read once more. A bias or
  // a rectifier is a pass of its own over y, the gradient of a bias one over dy.
  conv: ({ inputs: [, w, bias], outputs: [y], rectified }, { image, bytesOf }) =>
    2 * image * sizeOf(w) + (bias || rectified ? 2 * bytesOf(y as Tensor) : 0),
  conv_backward_data: ({ inputs: [, w] }, { image }) => 2 * image * sizeOf(w),
  conv_backward_weights: ({ inputs: [, dy], outputs: [dw, db] }, { image, bytesOf }) =>
    2 * image * sizeOf(dw) + (db ? bytesOf(dy as Tensor) : 0),
  // One pass for the sums, one for the elements.
  batch_norm: ({ inputs: [x] }, { bytesOf }) => bytesOf(x as Tensor),
  batch_norm_backward: ({ inputs: [x, dy] }, { bytesOf }) => bytesOf(x as Tensor) + bytesOf(dy as Tensor),
  // The winner of every window, written and read.
  max_pool_backward: ({ inputs: [dy] }) => 2 * WINNER_BYTES * sizeOf(dy),
};

const WINNER_BYTES = 4;

const sizeOf = (tensor: Tensor | undefined): number => (tensor ? elements(tensor.shape) : 0);

/** The attribute `spans` of an update is group, offset, length and stride of each, one after another. */
const SPAN = 4;
const LENGTH_IN_SPAN = 2;

function bytesOfUpdate(program: Program, { inputs, attrs }: Step): number {
  const parameters = elements((program.tensors[inputs[0] as number] as Tensor).shape);
  const rule = attrs['rule'] as 'sgd' | 'adam' | 'adamw';
  const lengths = (attrs['spans'] as readonly number[]).filter((_, i) => i % SPAN === LENGTH_IN_SPAN);
  const pieces = lengths.reduce((sum, length) => sum + piecesOf(length), 0);
  return updateBytes({ rule, parameters, taken: 0, groups: Number(attrs['groupCount']), pieces });
}

/** A group for every channel: such convolutions run outside the tensor cores. */
function isDepthwise(program: Program, { kernel, inputs, outputs, attrs }: Step): boolean {
  if (!kernel.startsWith('conv')) return false;
  const image = kernel === 'conv_backward_data' ? outputs[0] : inputs[0];
  const channels = program.tensors[image as number]?.shape[1];
  return Number(attrs['groups']) > 1 && Number(attrs['groups']) === channels;
}

const plus = (a: KernelCost | undefined, b: KernelCost): KernelCost =>
  a === undefined
    ? b
    : {
        kernel: b.kernel,
        steps: a.steps + b.steps,
        flops: a.flops + b.flops,
        bytes: a.bytes + b.bytes,
        movedBytes: a.movedBytes + b.movedBytes,
        milliseconds: a.milliseconds + b.milliseconds,
      };
