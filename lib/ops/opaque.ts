// Operators of a file that this library does not know. They keep their place, so that a network can
// still be looked at, and refuse everything else; nothing is assumed about what they compute.

import { HalfspaceError } from '../errors.js';
import type { Graph, Node, Op } from '../graph.js';
import type { TensorType } from '../shape.js';
import { promisesNothing } from './operator.js';

/** An operator `name` known by its result types alone; `reason` says why no more is known. */
export const opaque = (name: string, outputs: readonly TensorType[], reason: string): Op => ({
  name,
  attrs: { opaque: reason },
  infer: () => outputs,
  gradient: null,
  lower: () => refuse(`${name} cannot run: ${reason}`),
  ...promisesNothing,
});

/** The nodes of `graph` that cannot run. */
export const unsupported = (graph: Graph): readonly Node[] =>
  graph.nodes.filter((node) => node.op.attrs['opaque'] !== undefined);

/** Throws ERR_UNSUPPORTED with every operator that cannot run, how often and where it occurs. */
export function requireSupported(graph: Graph): void {
  const nodes = unsupported(graph);
  if (nodes.length === 0) return;
  const kinds = new Set(nodes.map(kindOf));
  const lines = [...kinds].map((kind) => {
    const group = nodes.filter((node) => kindOf(node) === kind);
    return `${group.length} x ${kind}: ${listed(group)}`;
  });
  refuse(
    `${nodes.length} of ${graph.nodes.length} nodes have operators that cannot run here:\n  ${lines.join('\n  ')}`,
  );
}

const kindOf = ({ op }: Node): string => `${op.name} (${op.attrs['opaque'] as string})`;

/** The names of the first nodes, and how many more there are. */
function listed(nodes: readonly Node[], most = 8): string {
  const names = nodes.slice(0, most).map((node) => `'${node.name}'`);
  return names.join(', ') + (nodes.length > most ? ` and ${nodes.length - most} more` : '');
}

function refuse(message: string): never {
  throw new HalfspaceError('ERR_UNSUPPORTED', message);
}
