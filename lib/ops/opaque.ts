// Operators of a file that this library does not know. They keep their place, so that a network can
// still be looked at, and refuse everything else; nothing is assumed about what they compute.

import { HalfspaceError } from '../errors.js';
import type { Graph, Node, Op } from '../graph.js';
import type { TensorType } from '../shape.js';
import { promisesNothing } from './operator.js';

/** Why a node could not be read; `follows` where the fault lies with a node before it. */
export interface Unread {
  readonly reason: string;
  readonly follows: boolean;
}

/** An operator `name` known by its result types alone. */
export const opaque = (name: string, outputs: readonly TensorType[], { reason, follows }: Unread): Op => ({
  name,
  attrs: { opaque: reason, follows },
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
  const causes = nodes.filter((node) => node.op.attrs['follows'] === false);
  const lines = Array.from(new Set(causes.map(kindOf)), (kind) => {
    const group = causes.filter((node) => kindOf(node) === kind);
    return `${group.length} x ${kind}: ${group.map(({ name }) => `'${name}'`).join(', ')}`;
  });
  if (nodes.length > causes.length) lines.push(`and ${nodes.length - causes.length} that depend on these`);
  const head = `${causes.length} of ${graph.nodes.length} nodes have operators that cannot run here`;
  refuse([`${head}:`, ...lines].join('\n  '));
}

const kindOf = ({ op }: Node): string => `${op.name} (${op.attrs['opaque'] as string})`;

function refuse(message: string): never {
  throw new HalfspaceError('ERR_UNSUPPORTED', message);
}
