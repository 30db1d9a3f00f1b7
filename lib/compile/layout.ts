// Where each parameter lies in the parameter arena. Gradients and optimizer state use the same offsets,
// so the update is one pass over equal arrays. Knows nothing of steps or kernels.

import { internal } from '../errors.js';
import type { Graph, Parameter } from '../graph.js';
import { elements } from '../shape.js';
import { weightsOf, type Weights } from '../weights.js';

/**
 * Every parameter starts at a multiple of this many elements: 64 bytes, which is a cache line, a vector
 * register, and enough for the GPU kernels that ask for 16-byte pointers. The gaps hold zeros forever,
 * since no gradient is ever written there.
 */
export const ALIGNMENT = 16;

/** Trainable parameters first, then the rest, each in graph order. */
export interface ArenaLayout {
  /** First element of each parameter, by name. */
  readonly offsets: ReadonlyMap<string, number>;
  /** Extent of the trainable parameters, gaps included: the length of gradients and optimizer state. */
  readonly trainable: number;
  /** Extent of all parameters: the length of the parameter arena. */
  readonly total: number;
}

export function arenaLayout(graph: Graph): ArenaLayout {
  const offsets = new Map<string, number>();
  let end = 0;
  const place = (parameter: Parameter): void => {
    offsets.set(parameter.name, end);
    end += Math.ceil(elements(parameter.type.shape) / ALIGNMENT) * ALIGNMENT;
  };
  graph.parameters.filter((p) => p.trainable).forEach(place);
  const trainable = end;
  graph.parameters.filter((p) => !p.trainable).forEach(place);
  return { offsets, trainable, total: end };
}

/** The offset of a parameter, by name. */
export function offsetOf(layout: ArenaLayout, name: string): number {
  const offset = layout.offsets.get(name);
  if (offset === undefined) throw internal(`parameter '${name}' has no place in the arena`);
  return offset;
}

/**
 * Arena contents of `weights`. With `extent` at `layout.trainable` it packs what optimizer state and
 * gradients hold, the trainable parameters only. Throws ERR_MODEL where a weight is missing.
 */
export function packWeights(
  layout: ArenaLayout,
  graph: Graph,
  weights: Weights,
  extent: number = layout.total,
): Float32Array {
  const arena = new Float32Array(extent);
  for (const { offset, data } of placeWeights(layout, graph, weights, extent)) arena.set(data, offset);
  return arena;
}

/** A parameter's contents and the element of the arena where they begin. */
export interface PlacedWeights {
  readonly offset: number;
  readonly data: Float32Array;
}

/** What `packWeights` packs, each parameter by itself and not copied. Throws as it does, before the first. */
export const placeWeights = (
  layout: ArenaLayout,
  graph: Graph,
  weights: Weights,
  extent: number = layout.total,
): readonly PlacedWeights[] =>
  within(layout, graph, extent).map((parameter) => ({
    offset: offsetOf(layout, parameter.name),
    data: weightsOf(weights, parameter),
  }));

/** The parameters that lie in `arena`, copied out of it: all of them, or those that state has. */
export function unpackWeights(layout: ArenaLayout, graph: Graph, arena: Float32Array): Weights {
  return new Map(
    within(layout, graph, arena.length).map((parameter) => {
      const offset = offsetOf(layout, parameter.name);
      return [parameter.name, arena.slice(offset, offset + elements(parameter.type.shape))];
    }),
  );
}

const within = (layout: ArenaLayout, graph: Graph, extent: number): readonly Parameter[] =>
  graph.parameters.filter((p) => offsetOf(layout, p.name) < extent);
