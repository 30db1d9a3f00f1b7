// Construction of the sub-network: a function from graph and weights to graph and weights. Erased
// segments, joints left with one input, channels that concatenations lost, and whatever no longer lies
// between inputs and outputs are gone; everything kept keeps its name.

import { HalfspaceError } from '../errors.js';
import {
  GraphBuilder,
  remakeNode,
  type Graph,
  type Node,
  type Parameter,
  type ParameterSlice,
  type Value,
} from '../graph.js';
import { sum } from '../ops/sum.js';
import type { Weights } from '../weights.js';
import { slicedShape, takeAlong, type NarrowedVertex } from './narrow.js';
import type { Plan } from './plan.js';
import { searchSpace, type SearchSpace } from './space.js';
import type { Vertex } from './trace.js';
import { closure, evaluate, type Evaluation, type Violation } from './validity.js';

/** What is left of a network without some of its segments. */
export interface Subnet {
  readonly graph: Graph;
  /** Ids of the erased segments. */
  readonly erased: readonly number[];
  /**
   * What is left of weights, or of anything kept per parameter in its shape (optimizer state); what
   * `weights` lacks is left out.
   */
  readonly carry: (weights: Weights) => Weights;
}

/** Slices of a parameter, on distinct axes. */
type Cuts = readonly Pick<ParameterSlice, 'axis' | 'keep'>[];

/**
 * The sub-network without some groups of a search space. Computes the same function as the whole
 * network with those groups at zero. Throws ERR_TARGET where no valid sub-network is left.
 */
export function constructSubnet(given: SearchSpace | Graph, erased: readonly number[]): Subnet {
  const space = 'skeleton' in given ? given : searchSpace(given);
  const evaluation = evaluateErasure(space, erased);
  const plan = evaluation.plan as Plan; // valid, so there is one
  const cuts = cutsOf(space, plan);
  const graph = build(space, evaluation, plan, cuts);
  const names = new Set(graph.parameters.map((parameter) => parameter.name));
  const kept = space.graph.parameters.filter((parameter) => names.has(parameter.name));
  return {
    graph,
    erased: erased.flatMap((id) => space.groups[id]?.segments ?? []).toSorted((a, b) => a - b),
    carry: (weights) => carry(kept, cuts, weights),
  };
}

function evaluateErasure(space: SearchSpace, erased: readonly number[]): Evaluation {
  const taken = new Uint8Array(space.groups.length);
  for (const id of erased) {
    if (!space.groups[id]) {
      throw new HalfspaceError(
        'ERR_OPTION',
        `there is no group ${id}: ids go from 0 to ${space.groups.length - 1}`,
      );
    }
    taken[id] = 1;
  }
  const evaluation = evaluate(space.skeleton, taken);
  const [violation] = evaluation.violations;
  if (!violation) return evaluation;
  const closed = closure(space.skeleton, taken);
  const along = closed ? [...closed.keys()].filter((id) => closed[id] && !taken[id]) : [];
  const advice = along.length > 0 ? `; erase group ${along.join(', ')} as well` : '';
  throw new HalfspaceError(
    'ERR_TARGET',
    `erasing groups ${JSON.stringify(erased)} leaves no valid network: ${complaint(space, violation)}${advice}`,
  );
}

function complaint({ skeleton }: SearchSpace, violation: Violation): string {
  const { node, edges } = skeleton.trace.vertices[violation.vertex] as Vertex;
  if (violation.kind === 'output') return `no data reaches the output '${node.name}'`;
  if (violation.kind === 'shape') return `the sum '${node.name}' would lose its shape`;
  if (violation.kind === 'together') return `'${node.name}' cannot lose all these inputs at once`;
  const input = edges[violation.edge]?.value.name;
  return violation.kind === 'constant'
    ? `'${input}' would add a constant to '${node.name}'`
    : `'${node.name}' cannot do without the channels of '${input}'`;
}

/** The slices of every parameter that loses elements. */
function cutsOf({ skeleton }: SearchSpace, plan: Plan): ReadonlyMap<Parameter, Cuts> {
  const cuts = new Map<Parameter, Cuts>();
  for (const [id, { slices }] of plan) {
    const { node } = skeleton.trace.vertices[id] as Vertex;
    // Uses of a shared parameter agree on its slices, so any of them may speak.
    for (const parameter of new Set(slices.map((slice) => node.inputs[slice.input] as Parameter))) {
      cuts.set(
        parameter,
        slices.filter((slice) => node.inputs[slice.input] === parameter),
      );
    }
  }
  return cuts;
}

function build(
  space: SearchSpace,
  evaluation: Evaluation,
  plan: Plan,
  cuts: ReadonlyMap<Parameter, Cuts>,
): Graph {
  const { graph, skeleton } = space;
  const builder = new GraphBuilder();
  const now = new Map<Value, Value>(graph.inputs.map((input) => [input, builder.adoptInput(input)]));
  const vertexOf = new Map(skeleton.trace.vertices.map((vertex) => [vertex.node, vertex]));
  const remains = remainingNodes(space, evaluation);
  const read = new Set<Value>([...[...remains].flatMap((node) => node.inputs), ...graph.outputs]);
  for (const parameter of graph.parameters) {
    if (read.has(parameter)) now.set(parameter, builder.adopt(cut(parameter, cuts.get(parameter) ?? [])));
  }
  for (const node of graph.nodes) {
    if (!remains.has(node)) continue;
    const id = vertexOf.get(node)?.id ?? -1;
    const outputs = rebuild(builder, node, plan.get(id), now, vertexOf.get(node)?.output ?? false);
    node.outputs.forEach((output, index) => now.set(output, outputs[index] as Value));
  }
  return builder.graph(graph.outputs.map((output) => now.get(output) as Value));
}

/** The vertices that are needed, and the constants that they or the outputs read. */
function remainingNodes({ skeleton, graph }: SearchSpace, { needed }: Evaluation): ReadonlySet<Node> {
  const remains = new Set<Node>();
  const constants = new Set(skeleton.trace.constants);
  for (const { id, node, constants } of skeleton.trace.vertices) {
    if (!needed[id]) continue;
    remains.add(node);
    for (const constant of constants) remains.add(constant);
  }
  const pending = graph.outputs.map((output) => output.origin);
  for (let origin = pending.pop(); origin !== undefined; origin = pending.pop()) {
    if (typeof origin === 'string' || !constants.has(origin) || remains.has(origin)) continue;
    remains.add(origin);
    pending.push(...origin.inputs.map((input) => input.origin));
  }
  return remains;
}

/** The results of a node in the new graph. */
function rebuild(
  builder: GraphBuilder,
  node: Node,
  change: NarrowedVertex | undefined,
  now: ReadonlyMap<Value, Value>,
  output: boolean,
): readonly Value[] {
  const kept = change ? change.inputs : node.inputs.map((_, index) => index);
  const inputs = kept.map((index) => now.get(node.inputs[index] as Value) as Value);
  if (change && inputs.length === 1 && node.inputs.length > 1) {
    // A joint left with one input is that input; at an output a trivial one keeps the output's name.
    return output ? builder.append(remakeNode(node, sum(), inputs)).outputs : inputs;
  }
  if (!change && inputs.every((value, index) => value === node.inputs[index]))
    return builder.append(node).outputs;
  return builder.append(remakeNode(node, change?.op ?? node.op, inputs)).outputs;
}

function cut(parameter: Parameter, cuts: Cuts): Parameter {
  if (cuts.length === 0) return parameter;
  const { type, init } = parameter;
  return {
    ...parameter,
    type: { dtype: type.dtype, shape: slicedShape(type.shape, cuts) },
    init: init.kind === 'data' ? { kind: 'data', data: cutData(init.data, parameter, cuts) } : init,
  };
}

function cutData(data: Float32Array, { type }: Parameter, cuts: Cuts): Float32Array {
  let shape = type.shape;
  let result = data;
  for (const { axis, keep } of cuts) {
    result = takeAlong(result, shape, axis, keep);
    shape = shape.with(axis, keep.length);
  }
  return result;
}

/** `parameters` are those of the whole network that have a successor in the sub-network. */
function carry(
  parameters: readonly Parameter[],
  cuts: ReadonlyMap<Parameter, Cuts>,
  weights: Weights,
): Weights {
  const carried = new Map<string, Float32Array>();
  for (const parameter of parameters) {
    const data = weights.get(parameter.name);
    if (data) carried.set(parameter.name, cutData(data, parameter, cuts.get(parameter) ?? []));
  }
  return carried;
}
