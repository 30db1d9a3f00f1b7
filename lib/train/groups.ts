// Groups as they lie in a parameter arena: norms, zeroing, measuring without them.

import type { Span } from '../compile/update.js';
import type { AblationLoss } from './ablation.js';
import type { DeviceNetwork, LabelledImages } from './device-network.js';

/** The spans of one group. */
export type Spans = readonly Span[];

/** Number of elements. */
export const spanSize = (spans: Spans): number => spans.reduce((sum, { length }) => sum + length, 0);

/** Calls `visit` with the index of every element. */
function forEachElement(spans: Spans, visit: (index: number) => void): void {
  for (const { offset, length, stride } of spans) {
    for (let i = 0; i < length; i += 1) visit(offset + i * stride);
  }
}

/** ||x|| of one group. */
export function spanNorm(parameters: Float32Array, spans: Spans): number {
  let sum = 0;
  forEachElement(spans, (index) => (sum += (parameters[index] as number) ** 2));
  return Math.sqrt(sum);
}

/** A copy of the arena with some groups at zero. */
export function withZeros(parameters: Float32Array, groups: readonly Spans[]): Float32Array {
  const copy = parameters.slice();
  for (const spans of groups) forEachElement(spans, (index) => (copy[index] = 0));
  return copy;
}

/**
 * Measures the mean loss over `batches`, with batch statistics, while groups are at zero. Call
 * `restore` when done: it puts the parameters back as they were.
 */
export function ablationProbe(
  network: DeviceNetwork,
  batches: readonly LabelledImages[],
  signal?: AbortSignal,
): { readonly loss: AblationLoss; readonly restore: () => void } {
  const parameters = network.parameters();
  const loss: AblationLoss = async (groups) => {
    network.writeParameters(
      withZeros(
        parameters,
        groups.map((group) => network.groups[group] as Spans),
      ),
    );
    let total = 0;
    for (const batch of batches) total += (await network.probe(batch, signal)).loss;
    return total / batches.length;
  };
  return { loss, restore: () => network.writeParameters(parameters) };
}
