// Gates that stay are folded into the weights before them where that is exact: a factor travels up from
// the gate through operators that it passes (`Op.homogeneous`), until parameters take it in. A value with
// other readers stops it, and so does a negative factor at a rectifier; then the gate stays as it is.

import {
  isParameter,
  producer,
  rewrite,
  type Graph,
  type Homogeneity,
  type Node,
  type Parameter,
  type Value,
} from '../graph.js';
import { weightsOf, type Weights } from '../weights.js';

/** The same function without the gates that could be folded; `gates` are names of parameters. */
export function foldGates(
  graph: Graph,
  weights: Weights,
  gates: ReadonlySet<string>,
): { readonly graph: Graph; readonly weights: Weights } {
  const uses = countUses(graph);
  const factors = new Map<Parameter, number>();
  const folded = new Map<Node, Parameter>();
  // Last ones first: a gate may take in the factor of one behind it, and hand on both.
  for (const node of graph.nodes.toReversed()) {
    const gate = node.inputs.filter(isParameter).find(({ name }) => gates.has(name));
    if (!gate || uses.get(gate) !== 1) continue;
    const factor = (weightsOf(weights, gate)[0] as number) * (factors.get(gate) ?? 1);
    const takers = factor === 1 ? [] : takersOf(gated(node), factor, uses);
    if (!takers) continue;
    folded.set(node, gate);
    for (const parameter of takers) factors.set(parameter, (factors.get(parameter) ?? 1) * factor);
  }
  return {
    graph: without(graph, folded),
    weights: scaled(weights, factors, new Set(folded.values())),
  };
}

/** What a gate is applied to. */
const gated = (node: Node): Value => node.inputs.find((value) => !isParameter(value)) as Value;

/** How often each value is read; an output of the network is read from outside too. */
function countUses(graph: Graph): ReadonlyMap<Value, number> {
  const uses = new Map<Value, number>();
  const values = [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs];
  for (const value of values) uses.set(value, (uses.get(value) ?? 0) + 1);
  return uses;
}

/** The parameters that multiply `value`, and nothing else, when they are multiplied; null where none do. */
function takersOf(
  value: Value,
  factor: number,
  uses: ReadonlyMap<Value, number>,
): readonly Parameter[] | null {
  const node = producer(value);
  if (!node || uses.get(value) !== 1 || !isOnlyResult(node, value, uses)) return null;
  const own = node.inputs.filter(isTrainable);
  const multiplies = (marked: (input: Value) => boolean): boolean =>
    allows(node.op.homogeneous(node.inputs.map(marked)), factor);
  if (own.length > 0 && own.every((p) => uses.get(p) === 1) && multiplies(isTrainable)) return own;
  if (!multiplies((input) => !isParameter(input))) return null;
  const takers = node.inputs.filter((input) => !isParameter(input)).map((v) => takersOf(v, factor, uses));
  return takers.includes(null) ? null : takers.flatMap((list) => list as readonly Parameter[]);
}

const isTrainable = (value: Value): value is Parameter => isParameter(value) && value.trainable;

const allows = (homogeneity: Homogeneity, factor: number): boolean =>
  homogeneity === 'any' || (homogeneity === 'positive' && factor > 0);

/** Operators vouch for their first result only. */
const isOnlyResult = ({ outputs }: Node, value: Value, uses: ReadonlyMap<Value, number>): boolean =>
  outputs[0] === value && outputs.slice(1).every((other) => !uses.has(other));

function without(graph: Graph, folded: ReadonlyMap<Node, Parameter>): Graph {
  const gone = new Set<Value>(folded.values());
  return rewrite(
    graph,
    (node, inputs, builder) =>
      folded.has(node)
        ? [inputs[node.inputs.indexOf(gated(node))] as Value]
        : builder.copy(node, inputs as readonly Value[]),
    (value) => (gone.has(value) ? null : value),
  );
}

function scaled(
  weights: Weights,
  factors: ReadonlyMap<Parameter, number>,
  gone: ReadonlySet<Parameter>,
): Weights {
  const names = new Set([...gone].map(({ name }) => name));
  const byName = new Map([...factors].map(([{ name }, factor]) => [name, factor]));
  return new Map(
    [...weights]
      .filter(([name]) => !names.has(name))
      .map(([name, data]) => {
        const factor = byName.get(name);
        return [name, factor === undefined ? data : data.map((value) => value * factor)];
      }),
  );
}
