// Reverse-mode differentiation on the graph: the backward pass becomes nodes behind the forward pass.
// How an operator is differentiated is said by its `gradient`; this file only applies the chain rule.

import { HalfspaceError } from './errors.js';
import {
  extend,
  type GradientContext,
  type Graph,
  type GraphBuilder,
  type Node,
  type Op,
  type Value,
} from './graph.js';
import { sum } from './ops/index.js';

/** A graph that goes on into its own backward pass. */
export interface Differentiated {
  /** The given graph and the nodes of its backward pass; its outputs are the gradients. */
  readonly graph: Graph;
  /** d loss / d value, one for each wanted value; null where it does not reach the loss. */
  readonly gradients: readonly (Value | null)[];
}

/**
 * Gradients of `loss` with respect to `wrt`. Without a `seed` the loss must come from loss operators
 * (or sums of them), which take dL/dloss to be one; `seed`, an input of the graph shaped like `loss`,
 * makes it a general vector-Jacobian product.
 * Throws ERR_UNSUPPORTED where an operator on the way has no gradient.
 */
export function gradients(
  graph: Graph,
  loss: Value,
  wrt: readonly Value[],
  seed: Value = unit(loss),
): Differentiated {
  const tape = new Tape(extend(graph), graph.inputs.includes(seed) ? null : seed);
  const wanted = dependents(graph, wrt);
  tape.contribute(loss, seed);
  for (const node of graph.nodes.toReversed()) differentiate(node, tape, wanted);
  const results = wrt.map((value) => tape.total(value));
  const outputs = results.filter((value) => value !== null);
  if (outputs.length === 0) {
    throw new HalfspaceError('ERR_GRAPH', `the loss '${loss.name}' depends on nothing that is to be trained`);
  }
  return { graph: tape.builder.graph(outputs), gradients: results };
}

/** Stands for dL/dloss = 1; it is in no graph, since loss operators do not read it. */
const unit = (loss: Value): Value => ({ name: 'one', type: loss.type, origin: 'input' });

/** The values that depend on `roots`, and the roots. */
function dependents(graph: Graph, roots: readonly Value[]): ReadonlySet<Value> {
  const reached = new Set(roots);
  for (const node of graph.nodes) {
    if (node.inputs.some((value) => reached.has(value))) node.outputs.forEach((value) => reached.add(value));
  }
  return reached;
}

/** Gradients collected so far. Every value is summed once, when all its readers have contributed. */
class Tape {
  readonly #contributions = new Map<Value, Value[]>();

  constructor(
    readonly builder: GraphBuilder,
    /** The seed that no node may read, if it is only a symbol. */
    readonly symbol: Value | null,
  ) {}

  contribute(value: Value, gradient: Value): void {
    const others = this.#contributions.get(value);
    if (others) others.push(gradient);
    else this.#contributions.set(value, [gradient]);
  }

  /** d loss / d value; null where nothing contributed. */
  total(value: Value): Value | null {
    const contributions = this.#contributions.get(value) ?? [];
    if (contributions.length < 2) return contributions[0] ?? null;
    const total = this.emit(sum(), contributions, `${value.name}.grad_sum`)[0] as Value;
    this.#contributions.set(value, [total]);
    return total;
  }

  emit(op: Op, inputs: readonly Value[], name: string): readonly Value[] {
    if (this.symbol && inputs.includes(this.symbol)) {
      throw new HalfspaceError(
        'ERR_UNSUPPORTED',
        `gradient '${name}': a loss must be the result of a loss operator or a sum of such results`,
      );
    }
    return this.builder.emit(op, inputs, name);
  }
}

/** Applies the chain rule to one node, if it lies between a wanted value and the loss. */
function differentiate(node: Node, tape: Tape, wanted: ReadonlySet<Value>): void {
  if (!node.inputs.some((value) => wanted.has(value))) return;
  const upstream = node.outputs.map((value) => tape.total(value));
  if (upstream.every((gradient) => gradient === null)) return;
  const rule = node.op.gradient;
  if (!rule) {
    throw new HalfspaceError('ERR_UNSUPPORTED', `${node.op.name} '${node.name}' has no gradient`);
  }
  const needs = (index: number): boolean => wanted.has(node.inputs[index] as Value);
  const context: GradientContext = {
    node,
    gradients: upstream,
    needs,
    emit: (op, inputs) => tape.emit(op, inputs, `${node.name}.grad`),
  };
  rule(context).forEach((gradient, index) => {
    if (gradient && needs(index)) tape.contribute(node.inputs[index] as Value, gradient);
  });
}
