// The proof of a construction: super-network (its erased groups at zero) and sub-network run on the
// same inputs and must agree to rounding.
//
// The tolerance, relative to the largest output: both networks form the same sums of products in
// float32, but a narrowed one adds fewer terms, in another grouping. A sum of n terms carries a relative
// error of about sqrt(n) * 2^-24, which is 1.4e-6 for a 3x3 convolution of 64 channels; some tens of
// layers on top of each other, with cancellation in between, stay below 1e-4, whereas one wrong
// channel shows in the first digits.

import { HalfspaceError, invariant } from '../errors.js';
import type { Graph } from '../graph.js';
import type { Weights } from '../weights.js';
import type { Buffers } from './device-network.js';
import { InferenceNetwork, type InferenceSettings } from './inference.js';

const verifyTolerance = 1e-4;

/** A network and its contents. */
export interface TrainedNetwork {
  readonly graph: Graph;
  readonly weights: Weights;
}

/** How far two networks are apart. */
export interface Agreement {
  /** Largest absolute difference of any output element. */
  readonly maxDifference: number;
  /** Largest magnitude of the super-network's outputs. */
  readonly largestOutput: number;
}

/** Relative to the largest output. */
export const relativeDifference = ({ maxDifference, largestOutput }: Agreement): number =>
  largestOutput > 0 ? maxDifference / largestOutput : maxDifference;

/** Compares the networks on inputs by name; throws ERR_VERIFY where they differ by more than rounding. */
export async function verifySubnet(
  supernet: TrainedNetwork,
  subnet: TrainedNetwork,
  inputs: Buffers,
  options: InferenceSettings,
): Promise<Agreement> {
  const expected = await outputsOf(supernet, inputs, options);
  const actual = await outputsOf(subnet, inputs, options);
  const agreement = compare(expected, actual);
  if (!Number.isFinite(agreement.largestOutput)) {
    throw new HalfspaceError(
      'ERR_VERIFY',
      'the outputs of the super-network hold infinity or NaN, so that the sub-network cannot be compared with them',
    );
  }
  const limit = verifyTolerance * agreement.largestOutput;
  // Written so that a difference that is not a number fails.
  if (!(agreement.maxDifference <= limit)) {
    throw new HalfspaceError(
      'ERR_VERIFY',
      `the sub-network differs from its super-network by ${agreement.maxDifference}: ` +
        `expected at most ${limit} (${verifyTolerance} of the largest output, ${agreement.largestOutput})`,
    );
  }
  return agreement;
}

async function outputsOf(
  { graph, weights }: TrainedNetwork,
  inputs: Buffers,
  options: InferenceSettings,
): Promise<readonly Float32Array[]> {
  const network = await InferenceNetwork.open(graph, weights, options);
  try {
    return await network.run(
      Object.fromEntries(graph.inputs.map(({ name }) => [name, inputs[name] as Float32Array])),
    );
  } finally {
    network.dispose();
  }
}

function compare(expected: readonly Float32Array[], actual: readonly Float32Array[]): Agreement {
  invariant(expected.length === actual.length, 'the sub-network has another number of outputs');
  // Math.max passes NaN on, so that it is not lost here.
  let maxDifference = 0;
  let largestOutput = 0;
  expected.forEach((values, output) => {
    const others = actual[output] as Float32Array;
    invariant(others.length === values.length, `output ${output} of the sub-network has another size`);
    values.forEach((value, index) => {
      maxDifference = Math.max(maxDifference, Math.abs(value - (others[index] as number)));
      largestOutput = Math.max(largestOutput, Math.abs(value));
    });
  });
  return { maxDifference, largestOutput };
}
