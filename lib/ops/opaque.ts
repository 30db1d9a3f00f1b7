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

/** An operator of which not even the type is known: its one result is taken to be like input `like`. */
export const opaqueLike = (name: string, like: number, unread: Unread): Op => ({
  ...opaque(name, [], unread),
  attrs: { opaque: unread.reason, follows: unread.follows, guessed: true },
  infer: (inputs) => inputs.slice(like, like + 1),
});

/** Why a node cannot run; null where it can. */
export const whyOpaque = ({ op }: Node): string | null => (op.attrs['opaque'] as string | undefined) ?? null;

/** The nodes of `graph` that cannot run. */
export const unsupported = (graph: Graph): readonly Node[] =>
  graph.nodes.filter((node) => whyOpaque(node) !== null);

/** An operator that cannot run, and where it occurs. */
export interface MissingOperator {
  readonly op: string;
  readonly reason: string;
  readonly nodes: readonly string[];
  /** Those of them whose result is taken to be like their input, since nobody says what it is like. */
  readonly guessed: readonly string[];
}

/** What of a network cannot run. */
export interface Unsupported {
  readonly operators: readonly MissingOperator[];
  /** How many nodes more cannot, because of those. */
  readonly dependents: number;
}

/** What of `graph` cannot run, by operator and reason. */
export function listUnsupported(graph: Graph): Unsupported {
  const nodes = unsupported(graph);
  const causes = nodes.filter((node) => node.op.attrs['follows'] === false);
  const operators = [...groupBy(causes, kindOf).values()].map((group): MissingOperator => {
    const [first] = group as [Node];
    const guessed = group.filter((node) => node.op.attrs['guessed'] === true);
    return {
      op: first.op.name,
      reason: whyOpaque(first) ?? '',
      nodes: names(group),
      guessed: names(guessed),
    };
  });
  return { operators, dependents: nodes.length - causes.length };
}

const kindOf = (node: Node): string => `${node.op.name} (${whyOpaque(node)})`;

const names = (nodes: readonly Node[]): readonly string[] => nodes.map(({ name }) => name);

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

const countNodes = (operators: readonly MissingOperator[]): number =>
  operators.reduce((sum, { nodes }) => sum + nodes.length, 0);

/** The list as text, every node by name; null where all of `graph` can run. */
export function describeUnsupported(graph: Graph): string | null {
  const { operators, dependents } = listUnsupported(graph);
  if (operators.length === 0 && dependents === 0) return null;
  const lines = operators.map(
    ({ op, reason, nodes }) =>
      `${nodes.length} x ${op} (${reason}): ${nodes.map((name) => `'${name}'`).join(', ')}`,
  );
  if (dependents > 0) lines.push(`and ${dependents} that depend on these`);
  const head = `${countNodes(operators)} of ${graph.nodes.length} nodes have operators that cannot run here`;
  return [`${head}:`, ...lines].join('\n  ');
}

/** Throws ERR_UNSUPPORTED with every operator that cannot run, how often and where it occurs. */
export function requireSupported(graph: Graph): void {
  const list = describeUnsupported(graph);
  if (list !== null) refuse(list);
}

function refuse(message: string): never {
  throw new HalfspaceError('ERR_UNSUPPORTED', message);
}
