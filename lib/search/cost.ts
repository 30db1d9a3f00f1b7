// What a sub-network costs, without building it: trainable parameters, and multiply-accumulates for one
// image. Equal to counting the constructed graph, which a test holds it to.

import {
  nodeMacs,
  type Graph,
  type Node,
  type Parameter,
  type ParameterSlice,
  type Value,
} from '../graph.js';
import { elements, type TensorType } from '../shape.js';
import { slicedShape, type NarrowedVertex } from './narrow.js';
import { planSubnet } from './plan.js';
import type { Skeleton } from './skeleton.js';
import type { Vertex } from './trace.js';
import { evaluate, type Evaluation, type Taken } from './validity.js';

export interface Cost {
  /** Trainable parameters. */
  readonly params: number;
  /** Multiply-accumulates at batch 1. */
  readonly macs: number;
}

/** Cost of what is left when `taken`, a valid set, is gone. */
export function costWithout(skeleton: Skeleton, taken: Taken): Cost {
  return costOf(skeleton, evaluate(skeleton, taken));
}

export function costOf(skeleton: Skeleton, evaluation: Evaluation): Cost {
  const plan = planSubnet(skeleton, evaluation);
  const ledger = new Ledger();
  const types = new Map<Value, TensorType>();
  for (const vertex of skeleton.trace.vertices) {
    if (!evaluation.needed[vertex.id]) continue;
    for (const node of vertex.constants) ledger.addConstant(node);
    const change = plan.get(vertex.id);
    if (change) ledger.addNarrowed(vertex, change, types);
    else ledger.addWhole(vertex);
  }
  return { params: ledger.params, macs: ledger.macs / batchSize(skeleton.trace.graph) };
}

/** Networks are linear in the batch, the first axis of their inputs. */
const batchSize = (graph: Graph): number => graph.inputs[0]?.type.shape[0] ?? 1;

/** Sums up nodes; shared parameters and constants count once. */
class Ledger {
  params = 0;
  macs = 0;
  readonly #counted = new Set<Parameter | Node>();

  addWhole(vertex: Vertex): void {
    this.macs += macsOf(vertex);
    for (const parameter of vertex.parameters) this.#addParameter(parameter, []);
  }

  addNarrowed(vertex: Vertex, change: NarrowedVertex, types: Map<Value, TensorType>): void {
    const { node } = vertex;
    const inputs = change.inputs.map((index) => inputType(node, index, change, types));
    const outputs = change.op.infer(inputs);
    outputs.forEach((type, index) => types.set(node.outputs[index] as Value, type));
    this.macs += change.op.macs(inputs, outputs);
    for (const parameter of vertex.parameters) {
      this.#addParameter(
        parameter,
        change.slices.filter((slice) => node.inputs[slice.input] === parameter),
      );
    }
  }

  addConstant(node: Node): void {
    if (this.#counted.has(node)) return;
    this.#counted.add(node);
    this.macs += nodeMacs(node);
  }

  #addParameter(parameter: Parameter, slices: readonly ParameterSlice[]): void {
    if (!parameter.trainable || this.#counted.has(parameter)) return;
    this.#counted.add(parameter);
    this.params += elements(slicedShape(parameter.type.shape, slices));
  }
}

function inputType(
  node: Node,
  index: number,
  { slices }: NarrowedVertex,
  types: ReadonlyMap<Value, TensorType>,
): TensorType {
  const value = node.inputs[index] as Value;
  const { dtype, shape } = types.get(value) ?? value.type;
  return {
    dtype,
    shape: slicedShape(
      shape,
      slices.filter((slice) => slice.input === index),
    ),
  };
}

const macsCache = new WeakMap<Node, number>();

/** Multiply-accumulates of a vertex as it stands. */
function macsOf({ node }: Vertex): number {
  const known = macsCache.get(node);
  if (known !== undefined) return known;
  const macs = nodeMacs(node);
  macsCache.set(node, macs);
  return macs;
}
