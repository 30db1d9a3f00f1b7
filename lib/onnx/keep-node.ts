// Nodes that nobody understands: they stay in the graph as opaque nodes, with the types that the file
// declares for their results, so that the network around them can still be looked at. Where it declares
// none, most operators that are not known are activations of some kind, so a guess is made: what follows
// is read as far as it fits.

import { makeNode, type Value } from '../graph.js';
import { opaque, opaqueLike, type Unread } from '../ops/opaque.js';
import { f32, type TensorType } from '../shape.js';
import type { BoundNode, Known, Reading } from './context.js';

/** What a result is taken for whose type the file does not declare. */
type Undeclared = 'untyped' | 'like its input';

/**
 * Adds an opaque node; a result of undeclared type stays untyped where nothing can be guessed. `known` are
 * types of results that need no declaration.
 */
export function keepNode(
  reading: Reading,
  node: BoundNode,
  unread: Unread,
  undeclared: Undeclared = 'untyped',
  known: readonly (TensorType | null)[] = [],
): readonly Known[] {
  const { proto, name } = node;
  const declared = proto.output.map((output, index) => known[index] ?? reading.types.declared(output));
  const inputs = opaqueInputs(reading, node);
  const model = undeclared === 'untyped' || declared[0] || declared.length !== 1 ? null : onlyData(node);
  const types = declared.map((type) => type ?? f32([]));
  const opType = proto.opType ?? '';
  const op = model ? opaqueLike(opType, inputs.indexOf(model), unread) : opaque(opType, types, unread);
  const made = reading.builder.append(makeNode(name, op, inputs));
  const lost = readsNoData(node);
  return made.outputs.map((value, index): Known => {
    const kind = model || declared[index] ? 'value' : 'untyped';
    return { kind, value, lost, guessed: model !== null };
  });
}

/** The one input that is data, where its type is known. */
function onlyData({ inputs }: BoundNode): Value | null {
  const [data, ...others] = inputs.filter((known) => known !== null && !isFixed(known));
  return data?.kind === 'value' && !data.lost && others.length === 0 ? data.value : null;
}

/** Whether it is a tensor that the file holds, read or not, or that follows from such. */
const isFixed = ({ kind }: Known): boolean => kind === 'constant' || kind === 'unread';

/** Tensors of floats are taken for weights; numbers and integers for settings, which need no edge. */
function opaqueInputs(reading: Reading, { inputs }: BoundNode): readonly Value[] {
  return inputs.flatMap((known) => {
    if (known?.kind !== 'constant') return valuesOf(known);
    const { tensor } = known;
    return tensor.dtype === 'float' && tensor.shape.length > 0 ? [reading.parameter(tensor, 'trained')] : [];
  });
}

/** The values of our graph that a name stands for. */
export function valuesOf(known: Known | null): readonly Value[] {
  if (known === null) return [];
  if ('values' in known) return known.values;
  return 'value' in known ? [known.value] : [];
}

/** Whether no input of the network reaches the node. */
const readsNoData = ({ inputs }: BoundNode): boolean =>
  inputs.every((known) => known === null || isFixed(known) || isLostValue(known));

/** Whether it is made of constants alone, by nodes that nobody understands. */
export const isLostValue = (known: Known | null): boolean => known !== null && 'lost' in known && known.lost;

/** Whether the node reads what hangs on a guess. */
export const isGuessed = ({ inputs }: BoundNode): boolean => inputs.some((known) => known?.guessed === true);

/** Whether the node's results would be constants if those of opaque nodes before it were. */
export const isLost = (node: BoundNode): boolean => node.inputs.some(isLostValue) && readsNoData(node);
