// Parameters and optimizer state by name, and how they move between a super-network and the
// sub-network cut from it, in both directions. Pure functions over plain arrays.

import { HalfspaceError, invariant } from '../errors.js';
import type { Weights } from '../weights.js';

/** Parameters and optimizer state of a network, one array a parameter, by name. */
export interface NetworkState {
  readonly weights: Weights;
  /** Momentum of sgd; first and second moments of adam and adamw. Trainable parameters only. */
  readonly optimizer: readonly Weights[];
}

/** Throws ERR_DIVERGED where a number after `step` steps is NaN or infinite. */
export function requireFinite({ weights, optimizer }: NetworkState, step: number): void {
  for (const [name, data] of [weights, ...optimizer].flatMap((state) => [...state])) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new HalfspaceError(
      'ERR_DIVERGED',
      `training diverged in step ${step}: element ${at} of '${name}' or of its optimizer state is ${data[at]}`,
    );
  }
}

/** What leads from super-network to sub-network: `carry` drops and slices arrays by name. */
export interface Cut {
  carry(weights: Weights): Weights;
}

/** The state of the sub-network. */
export const carryState = (cut: Cut, state: NetworkState): NetworkState => ({
  weights: cut.carry(state.weights),
  optimizer: state.optimizer.map((weights) => cut.carry(weights)),
});

/** The state of the super-network whose sub-network has state `inner`; the rest is as in `outer`. */
export const expandState = (origins: Origins, inner: NetworkState, outer: NetworkState): NetworkState => ({
  weights: expand(origins, inner.weights, outer.weights),
  optimizer: outer.optimizer.map((state, index) =>
    expand(origins, inner.optimizer[index] ?? new Map(), state),
  ),
});

/** For every element of the sub-network, its index in the super-network's array of the same name. */
export type Origins = ReadonlyMap<string, Uint32Array>;

/**
 * Finds the inverse of a cut, which only moves elements, by sending their indices through it. A
 * float32 holds integers up to 2^24 exactly, so an index travels as two halves of 16 bits. Traced once
 * for a cut and kept: it takes as long as many snapshots.
 */
export function traceOrigins(cut: Cut, weights: Weights): Origins {
  const half = (digit: (index: number) => number): Weights =>
    cut.carry(new Map([...weights].map(([name, data]) => [name, data.map((_, index) => digit(index))])));
  const low = half((index) => index & 0xffff);
  const high = half((index) => index >>> 16);
  return new Map([...low].map(([name, digits]) => [name, joined(digits, high.get(name) as Float32Array)]));
}

/** Plain loops here and below: they visit every parameter, and the event loop waits. */
function joined(low: Float32Array, high: Float32Array): Uint32Array {
  const indices = new Uint32Array(low.length);
  for (let at = 0; at < indices.length; at += 1) {
    indices[at] = (low[at] as number) + (high[at] as number) * 2 ** 16;
  }
  return indices;
}

/** `outer` with every element of `inner` put back where it came from. */
function expand(origins: Origins, inner: Weights, outer: Weights): Weights {
  const whole = new Map([...outer].map(([name, data]) => [name, data.slice()]));
  for (const [name, data] of inner) {
    const target = whole.get(name);
    const origin = origins.get(name);
    invariant(target && origin, `the sub-network's parameter '${name}' is not one of the super-network`);
    for (let at = 0; at < data.length; at += 1) target[origin[at] as number] = data[at] as number;
  }
  return whole;
}
