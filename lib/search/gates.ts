// Gates: a trainable number behind every branch without parameters (a skip, a pooling, an activation) that
// feeds a sum, so that such branches can be erased like any other. A gate starts at one and so changes
// nothing; at zero its branch is gone, by the ordinary rules of segments and groups. What becomes of
// the gates that stay is the concern of folding.

import { rewrite, type Graph, type GraphBuilder, type Node, type Parameter, type Value } from '../graph.js';
import { multiply } from '../ops/arithmetic.js';
import { takesGate } from './removable.js';
import { growSegments, segmentOfVertex, type Chain } from './segments.js';
import { SOURCE, traceGraph, type Edge, type Trace, type Vertex } from './trace.js';

/** What `addGates` made: a network with gates. */
export interface Gated {
  readonly graph: Graph;
  /** The parameters that are gates, in graph order; none where no branch is without parameters. */
  readonly gates: readonly Parameter[];
}

/** The same network with a gate on every branch without parameters that feeds a sum. */
export function addGates(graph: Graph): Gated {
  const gates: Parameter[] = [];
  const branches = bareBranches(traceGraph(graph));
  const gated = rewrite(graph, (node, inputs, builder) => {
    const named = branches.get(node);
    const values = (inputs as readonly Value[]).map((value, index) => {
      const name = named?.get(index);
      return name === undefined ? value : addGate(builder, name, value, gates);
    });
    return builder.copy(node, values);
  });
  return { graph: gated, gates };
}

/** One number, as a vector so that it broadcasts over values of any rank. */
function addGate(builder: GraphBuilder, branch: string, value: Value, gates: Parameter[]): Value {
  const gate = builder.parameter(`${branch}.gate`, [1], { kind: 'constant', value: 1 });
  gates.push(gate);
  return builder.apply(multiply(), [value, gate], `${branch}.gated`);
}

/** For each sum, the inputs that are branches without parameters, and the names of these. */
function bareBranches(trace: Trace): ReadonlyMap<Node, ReadonlyMap<number, string>> {
  const chains = growSegments(trace);
  const owner = segmentOfVertex(trace, chains);
  const branches = new Map<Node, ReadonlyMap<number, string>>();
  for (const sum of trace.vertices) {
    if (sum.joint !== 'sum') continue;
    const named = sum.edges.flatMap((edge): [number, string][] => {
      const name = takesGate(sum, edge) ? branchName(trace, chains, owner, sum, edge) : null;
      return name === null ? [] : [[edge.input, name]];
    });
    if (named.length > 0) branches.set(sum.node, new Map(named));
  }
  return branches;
}

/**
 * The name of the branch that ends in `edge`, or null where it has parameters. An edge from a fork is a
 * branch without any node, unless the fork ends a segment that all its readers could do without; it is
 * named after the sum, near which a drawing has it stand.
 */
function branchName(
  trace: Trace,
  chains: readonly Chain[],
  owner: Int32Array,
  sum: Vertex,
  { from, value }: Edge,
): string | null {
  const skip = `${sum.node.name}.from.${value.name}`;
  if (from === SOURCE) return skip;
  const last = trace.vertices[from] as Vertex;
  const trainable = (chains[owner[from] as number] as Chain).trainable.length > 0;
  if (!last.output && last.successors.length === 1) return trainable || last.joint ? null : value.name;
  const spared = !last.output && last.successors.every((id) => (trace.vertices[id] as Vertex).joint);
  return trainable && spared ? null : skip;
}
