// Which segments can be removed by themselves, and in plain words why the others cannot. What segments
// do to one another (shared parameters) is the concern of groups.

import { isParameter, type Parameter, type Value } from '../graph.js';
import { elements, formatShape, sameShape } from '../shape.js';
import { whyOpaque } from '../ops/opaque.js';
import type { Losses } from './losses.js';
import { lastVertex, type Chain } from './segments.js';
import type { Edge, Trace, Vertex } from './trace.js';

/** Whether a constant is certainly zero once all trainable parameters of its readers are. */
export type Blank = (value: Value) => boolean;

/** `excluded` parameters do not count on being zero. */
export function blankConstants(trace: Trace, excluded: ReadonlySet<Parameter>): Blank {
  const vanishing = new Set<Value>();
  const blank: Blank = (value) =>
    isParameter(value) ? value.trainable && !excluded.has(value) : vanishing.has(value);
  for (const node of trace.constants) {
    if (node.op.zero(node.inputs.map(blank))) vanishing.add(node.outputs[0] as Value);
  }
  return blank;
}

/** `null` where the segment's result is zero with its parameters, else the vertex that spoils it. */
export function spoiler(trace: Trace, chain: Chain, blank: Blank): Vertex | null {
  /** The vertex before, where its result is zero; nothing further back is read by this segment. */
  let zero: number | null = null;
  let culprit: Vertex | null = null;
  for (const id of chain.vertices) {
    const { node, edges, parameters } = trace.vertices[id] as Vertex;
    const zeros = node.inputs.map(blank);
    for (const { from, input, first } of edges) zeros[input] = first && from === zero;
    const wasZero = edges.some(({ input }) => zeros[input]);
    zero = node.op.zero(zeros) ? id : null;
    if (zero === null && (wasZero || parameters.length > 0)) culprit = trace.vertices[id] as Vertex;
  }
  return zero === null ? (culprit ?? lastVertex(trace, chain)) : null;
}

/** For each segment '' where it can be removed, else the reason. */
export function reasonsAgainst(
  trace: Trace,
  chains: readonly Chain[],
  losses: Losses,
  blank: Blank,
): readonly string[] {
  const outputs = new Set(trace.graph.outputs.filter(isParameter));
  return chains.map((chain) => {
    const last = lastVertex(trace, chain);
    return (
      reasonInside(trace, chain, outputs) ||
      reasonAfter(trace, last, losses) ||
      reasonOfZero(trace, chain, blank)
    );
  });
}

function reasonInside(trace: Trace, chain: Chain, outputs: ReadonlySet<Parameter>): string {
  const last = lastVertex(trace, chain);
  if (last.joint) return `several branches meet in '${last.node.name}'`;
  if (chain.trainable.length === 0)
    return `it has no trainable parameters${canHaveGate(trace, last) ? '; --gates gives it one' : ''}`;
  if (last.output) return `'${last.node.name}' is an output of the network`;
  if (last.successors.length === 0) return `nothing reads '${last.node.name}'`;
  const exposed = exposedParameter(trace, chain, outputs);
  return exposed ? `its parameter '${exposed.name}' is an output of the network` : '';
}

/** Whether the branch that ends in `last` feeds a sum that could do without. */
function canHaveGate(trace: Trace, last: Vertex): boolean {
  if (last.output || last.successors.length !== 1) return false;
  const successor = trace.vertices[last.successors[0] as number] as Vertex;
  if (successor.joint !== 'sum') return false;
  return successor.edges.some((edge) => edge.from === last.id && takesGate(successor, edge));
}

function exposedParameter(
  trace: Trace,
  chain: Chain,
  outputs: ReadonlySet<Parameter>,
): Parameter | undefined {
  if (outputs.size === 0) return undefined;
  for (const id of chain.vertices) {
    const exposed = (trace.vertices[id] as Vertex).parameters.find((parameter) => outputs.has(parameter));
    if (exposed) return exposed;
  }
  return undefined;
}

/** What the successors of `last` say to losing it. */
function reasonAfter(trace: Trace, last: Vertex, losses: Losses): string {
  for (const id of last.successors) {
    const reason = reasonAt(trace.vertices[id] as Vertex, last, losses);
    if (reason !== '') return reason;
  }
  return '';
}

/** What `next`, a successor, says to losing `last`. */
function reasonAt(next: Vertex, last: Vertex, losses: Losses): string {
  if (!next.joint) return needOf(next);
  const lost = next.edges.filter((edge) => edge.from === last.id);
  if (lost.some((edge) => !edge.first))
    return `'${next.node.name}' reads a side result of '${last.node.name}'`;
  return next.joint === 'sum' ? reasonAtSum(next, lost) : reasonAtConcat(next, lost, losses);
}

/** Why a vertex that is no joint needs each of its inputs. */
function needOf({ node, edges }: Vertex): string {
  const { name, op } = node;
  const opaque = whyOpaque(node);
  if (opaque !== null) return `its successor '${name}' (${op.name}) is not understood: ${opaque}`;
  if (edges.length === 1) return `its successor '${name}' (${op.name}) would have no input`;
  if (op.joint !== 'beside') return `its successor '${name}' (${op.name}) needs all of its inputs`;
  return `'${name}' joins along axis ${op.attrs['axis'] as number}, not along channels`;
}

function reasonAtSum(next: Vertex, lost: readonly Edge[]): string {
  if (next.edges.some((edge) => !lost.includes(edge) && fullSize(next, edge))) return '';
  if (lost.length === next.edges.length) return ''; // then the sum is gone as a whole
  const shape = formatShape((next.node.outputs[0] as Value).type.shape);
  return `the sum '${next.node.name}' would lose its shape ${shape} without it`;
}

function reasonAtConcat(next: Vertex, lost: readonly Edge[], losses: Losses): string {
  const all = losses.get(next.id) ?? [];
  const blocked = lost
    .map((edge) => all[next.edges.indexOf(edge)]?.blocked ?? '')
    .find((reason) => reason !== '');
  return blocked ? `the channels that it gives to '${next.node.name}' ${blocked}` : '';
}

function reasonOfZero(trace: Trace, chain: Chain, blank: Blank): string {
  const culprit = spoiler(trace, chain, blank);
  if (!culprit) return '';
  const { node } = culprit;
  const opaque = whyOpaque(node);
  if (opaque !== null) return `'${node.name}' (${node.op.name}) in it is not understood: ${opaque}`;
  return `its result is not zero when its parameters are, because of '${node.name}' (${node.op.name})`;
}

/** Whether a gate can be put on this term: a float can be multiplied, and the sum keeps its shape without it. */
export const takesGate = (sum: Vertex, edge: Edge): boolean =>
  edge.value.type.dtype === 'f32' && sum.edges.some((other) => other !== edge && fullSize(sum, other));

/** Whether a term alone gives a sum its shape. */
export const fullSize = (sum: Vertex, edge: Edge): boolean =>
  sameShape(edge.value.type.shape, (sum.node.outputs[0] as Value).type.shape);

export const countElements = (parameters: readonly Parameter[]): number =>
  parameters.reduce((sum, parameter) => sum + elements(parameter.type.shape), 0);
