// Groups as they lie in a parameter arena: norms, zeroing, measuring without them.

import type { Span } from '../compile/update.js';
import type { AblationMeasure } from './ablation.js';
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
 * Measures over `batches`, with batch statistics, while groups are at zero. Call `restore` when done: it
 * puts the parameters back as they were.
 */
export function ablationProbe(
  network: DeviceNetwork,
  batches: readonly LabelledImages[],
  signal?: AbortSignal,
): { readonly measure: AblationMeasure; readonly restore: () => void } {
  const parameters = network.parameters();
  const without = (groups: readonly number[]): void => {
    const spans = groups.map((group) => network.groups[group] as Spans);
    network.writeParameters(withZeros(parameters, spans));
  };
  const loss = async (groups: readonly number[]): Promise<number> => {
    without(groups);
    let total = 0;
    for (const batch of batches) total += (await network.probe(batch, signal)).loss;
    return total / batches.length;
  };
  const gain = async (groups: readonly number[]): Promise<readonly number[]> => {
    without(groups);
    const sums = network.groups.map(() => 0);
    for (const batch of batches) {
      for (const [group, slope] of (await network.slopes(batch, signal)).entries()) {
        sums[group] = (sums[group] as number) + slope / batches.length;
      }
    }
    return sums;
  };
  return { measure: { loss, gain }, restore: () => network.writeParameters(parameters) };
}
