// Weights of a network: one array a parameter, by name, running statistics included. Plain data;
// how they are laid out in an arena or a file is somebody else's concern.

import { HalfspaceError } from './errors.js';
import type { Graph, Initializer, Parameter } from './graph.js';
import { random, type Random } from './random.js';
import { elements, formatShape } from './shape.js';

/** Row-major contents by parameter name; lengths follow the parameter's shape. */
export type Weights = ReadonlyMap<string, Float32Array>;

/** First weights of a network. Each parameter draws from its own stream, so order does not matter. */
export const initialWeights = (graph: Graph, seed: number): Weights =>
  new Map(graph.parameters.map((p) => [p.name, initialize(p, seed)]));

/**
 * The contents of one parameter; throws ERR_MODEL where they are missing or have another length. What has no
 * elements need not be there.
 */
export function weightsOf(weights: Weights, parameter: Parameter): Float32Array {
  const length = elements(parameter.type.shape);
  const data = weights.get(parameter.name) ?? (length === 0 ? new Float32Array() : undefined);
  if (data?.length !== length) {
    const found = data ? `${data.length} elements` : 'nothing';
    throw new HalfspaceError(
      'ERR_MODEL',
      `weights '${parameter.name}': expected ${length} elements, found ${found}`,
    );
  }
  return data;
}

function initialize(parameter: Parameter, seed: number): Float32Array {
  const { name, init } = parameter;
  if (init.kind === 'data') return init.data.slice();
  const data = zeros(parameter);
  if (init.kind === 'constant') return data.fill(init.value);
  const sample = sampler(init, random(seed, ...codes(name)));
  for (let i = 0; i < data.length; i += 1) data[i] = sample();
  return data;
}

function zeros({ name, type: { shape } }: Parameter): Float32Array {
  try {
    return new Float32Array(elements(shape));
  } catch (cause) {
    throw new HalfspaceError(
      'ERR_MODEL',
      `parameter '${name}': no memory for ${elements(shape)} numbers, ${formatShape(shape)}`,
      { cause },
    );
  }
}

function sampler(init: Extract<Initializer, { kind: 'normal' | 'uniform' }>, stream: Random): () => number {
  switch (init.kind) {
    case 'normal':
      return () => init.deviation * stream.normal();
    case 'uniform':
      return () => init.bound * (2 * stream.uniform() - 1);
  }
}

const codes = (name: string): number[] => Array.from(name, (letter) => letter.codePointAt(0) as number);
