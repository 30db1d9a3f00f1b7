// Lowering: a graph becomes kernel calls on tensors. What a node calls is the operator's own answer
// (`Op.lower`); here it is only decided which nodes run and where their results live.

import { internal } from '../errors.js';
import { producer, type Graph, type KernelCall, type Mode, type Node, type Value } from '../graph.js';
import { elements, sameShape, type TensorType } from '../shape.js';
import type { DraftStep } from './assemble.js';
import { offsetOf, type ArenaLayout } from './layout.js';
import type { Storage, Tensor } from './program.js';

/** A value that must end up in a certain tensor: a result of the entry, or a gradient in its arena. */
export interface Sink {
  readonly value: Value;
  readonly tensor: Tensor;
}

export interface Lowering {
  readonly graph: Graph;
  readonly mode: Mode;
  /** Where inputs and parameters are found. */
  readonly sources: ReadonlyMap<Value, Tensor>;
  readonly sinks: readonly Sink[];
}

/**
 * The steps that fill all sinks. Nodes that no sink needs do not run. A sink is written by the
 * node that makes its value; where that cannot be, because the value is an input, a parameter or already
 * goes to another sink, it is copied at the end.
 */
export function lower({ graph, mode, sources, sinks }: Lowering): readonly DraftStep[] {
  const needed = neededNodes(graph, sinks);
  const places: Places = { sources, direct: directSinks(sinks), written: new Map() };
  const steps: DraftStep[] = [];
  for (const node of graph.nodes) {
    if (needed.has(node)) steps.push(...nodeSteps(node, node.op.lower(mode), places));
  }
  for (const { value, tensor } of sinks) {
    if (places.direct.get(value) === tensor) continue;
    steps.push(reshape(tensorOf(value, places), tensor, `copy of ${value.name}`));
  }
  return steps;
}

/** Where values lie. */
interface Places {
  readonly sources: Lowering['sources'];
  readonly direct: ReadonlyMap<Value, Tensor>;
  /** Of the nodes so far. */
  readonly written: Map<Value, Tensor>;
}

/** A tensor that holds a value, named after it unless told otherwise. */
export const tensorFor = (value: Value, storage: Storage, name: string = value.name): Tensor =>
  tensor(name, value.type, storage);

export const tensor = (name: string, { dtype, shape }: TensorType, storage: Storage): Tensor => ({
  name,
  dtype,
  shape,
  storage,
});

const temporary: Storage = { kind: 'temporary' };

/** Tensors of all parameters in arena number `arena`. */
export const parameterTensors = (
  graph: Graph,
  layout: ArenaLayout,
  arena: number,
): ReadonlyMap<Value, Tensor> =>
  new Map(
    graph.parameters.map((p) => [
      p,
      tensorFor(p, { kind: 'arena', arena, offset: offsetOf(layout, p.name) }),
    ]),
  );

function neededNodes(graph: Graph, sinks: readonly Sink[]): ReadonlySet<Node> {
  const needed = new Set<Node>();
  const need = (value: Value): void => {
    const node = producer(value);
    if (node) needed.add(node);
  };
  for (const { value } of sinks) need(value);
  for (const node of graph.nodes.toReversed()) if (needed.has(node)) node.inputs.forEach(need);
  return needed;
}

/** The first sink of each value that a node makes. */
function directSinks(sinks: readonly Sink[]): ReadonlyMap<Value, Tensor> {
  const direct = new Map<Value, Tensor>();
  for (const { value, tensor } of sinks) {
    if (producer(value) && !direct.has(value)) direct.set(value, tensor);
  }
  return direct;
}

/** The call of one node; adds its results to `places`. Statistics updated in place follow the results. */
function nodeSteps(node: Node, call: KernelCall, places: Places): readonly DraftStep[] {
  const { direct, written } = places;
  const inputs = select(node, node.inputs, call.inputs).map((value) => tensorOf(value, places));
  const outputs = select(node, node.outputs, call.outputs).map((value) => {
    const result = direct.get(value) ?? tensorFor(value, temporary);
    written.set(value, result);
    return result;
  });
  for (const value of select(node, node.inputs, call.updates ?? [])) outputs.push(tensorOf(value, places));
  const step = { kernel: call.kernel, inputs, outputs, attrs: call.attrs, label: node.name };
  return call.images ? throughImages(step) : [step];
}

/** The step on images, between the reshapes that this takes; data is what is shaped like the first input. */
function throughImages(step: DraftStep): readonly DraftStep[] {
  const { shape } = step.inputs[0] as Tensor;
  if (shape.length === 4) return [step];
  const [n = 1, c = 1, ...rest] = shape;
  const views = new Map<Tensor, Tensor>();
  const view = (operand: Tensor): Tensor => {
    if (!sameShape(operand.shape, shape)) return operand;
    const type = { dtype: operand.dtype, shape: [n, c, elements(rest), 1] };
    const image = views.get(operand) ?? tensor(`${operand.name}.image`, type, temporary);
    views.set(operand, image);
    return image;
  };
  const inputs = step.inputs.map(view);
  const before = [...views].map(([from, to]) => reshape(from, to, step.label));
  const outputs = step.outputs.map(view);
  const after = step.outputs.flatMap((to, i) =>
    outputs[i] === to ? [] : [reshape(outputs[i] as Tensor, to, step.label)],
  );
  return [...before, { ...step, inputs, outputs }, ...after];
}

const reshape = (from: Tensor, to: Tensor, label: string): DraftStep => ({
  kernel: 'reshape',
  inputs: [from],
  outputs: [to],
  attrs: {},
  label,
});

function select(node: Node, values: readonly Value[], indices?: readonly number[]): readonly Value[] {
  if (!indices) return values;
  return indices.map((index) => {
    const value = values[index];
    if (!value)
      throw internal(`the kernel call of '${node.name}' names operand ${index}, which does not exist`);
    return value;
  });
}

function tensorOf(value: Value, { sources, written }: Places): Tensor {
  const found = (producer(value) ? written : sources).get(value);
  if (!found) throw internal(`'${value.name}' is read but never written`);
  return found;
}
