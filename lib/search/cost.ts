// What a sub-network costs, without building it: trainable parameters, and multiply-accumulates for one
// image. Equal to counting the constructed graph, which a test holds it to.

import { invariant } from '../errors.js';
import { batchOf, nodeMacs, type Node, type Parameter, type Value } from '../graph.js';
import { elements, type TensorType } from '../shape.js';
import { slicedShape, type NarrowedVertex } from './narrow.js';
import type { Skeleton } from './skeleton.js';
import type { Taken } from './states.js';
import type { Trace, Vertex } from './trace.js';
import { evaluate, type Evaluation } from './validity.js';

export interface Cost {
  /** Trainable parameters. */
  readonly params: number;
  /** Multiply-accumulates at batch 1. */
  readonly macs: number;
}

/** Cost of what is left when `taken`, a valid set, is gone. */
export const costWithout = (skeleton: Skeleton, taken: Taken): Cost =>
  costOf(skeleton, evaluate(skeleton, taken));

/** Cost of what is left by a valid evaluation. */
export function costOf({ trace }: Skeleton, { plan, needed }: Evaluation): Cost {
  invariant(plan, 'an invalid erasure has no cost');
  const prices = pricesOf(trace);
  const types = new Map<Value, TensorType>();
  const common = new Set<Parameter | Node>();
  let { params, macs } = { params: 0, macs: 0 };
  for (const { id } of trace.vertices) {
    if (!needed[id]) continue;
    const price = prices[id] as Price;
    const change = plan.get(id);
    params += change ? ownParams(price.own, trace.vertices[id] as Vertex, change) : price.params;
    macs += change ? narrowedMacs(trace.vertices[id] as Vertex, change, types) : price.macs;
    for (const shared of price.common) {
      if (common.has(shared)) continue;
      common.add(shared);
      if ('op' in shared) macs += nodeMacs(shared);
      else params += change ? ownParams([shared], trace.vertices[id] as Vertex, change) : sizeOf(shared);
    }
  }
  return { params, macs: macs / batchOf(trace.graph.inputs) };
}

/** What a vertex costs as it stands. */
interface Price {
  /** Elements of `own`. */
  readonly params: number;
  readonly macs: number;
  /** Trainable parameters that no other vertex reads. */
  readonly own: readonly Parameter[];
  /** Trainable parameters and constant nodes that others may read too: they count once. */
  readonly common: readonly (Parameter | Node)[];
}

const cache = new WeakMap<Trace, readonly Price[]>();

function pricesOf(trace: Trace): readonly Price[] {
  const known = cache.get(trace);
  if (known) return known;
  const readers = new Map<Parameter, number>();
  for (const { parameters } of trace.vertices) {
    for (const parameter of parameters) readers.set(parameter, (readers.get(parameter) ?? 0) + 1);
  }
  const prices = trace.vertices.map(({ node, parameters, constants }) => {
    const trainable = parameters.filter((parameter) => parameter.trainable);
    const own = trainable.filter((parameter) => readers.get(parameter) === 1);
    const shared = trainable.filter((parameter) => readers.get(parameter) !== 1);
    const params = own.reduce((sum, parameter) => sum + sizeOf(parameter), 0);
    return { params, macs: nodeMacs(node), own, common: [...shared, ...constants] };
  });
  cache.set(trace, prices);
  return prices;
}

const sizeOf = (parameter: Parameter): number => elements(parameter.type.shape);

/** Elements of some parameters of a vertex after its slices. */
const ownParams = (parameters: readonly Parameter[], { node }: Vertex, { slices }: NarrowedVertex): number =>
  parameters.reduce((sum, parameter) => {
    const cuts = slices.filter((slice) => node.inputs[slice.input] === parameter);
    return sum + elements(slicedShape(parameter.type.shape, cuts));
  }, 0);

/** Multiply-accumulates of a changed vertex; notes the types of its results in `types`. */
function narrowedMacs({ node }: Vertex, change: NarrowedVertex, types: Map<Value, TensorType>): number {
  const inputs = change.inputs.map((index) => {
    const value = node.inputs[index] as Value;
    const { dtype, shape } = types.get(value) ?? value.type;
    const cuts = change.slices.filter((slice) => slice.input === index);
    return { dtype, shape: slicedShape(shape, cuts) };
  });
  const outputs = change.op.infer(inputs);
  outputs.forEach((type, index) => types.set(node.outputs[index] as Value, type));
  return change.op.macs(inputs, outputs);
}
