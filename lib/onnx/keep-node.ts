// Nodes that nobody understands: they stay in the graph as opaque nodes, with the types that the file
// declares for their results, so that the network around them can still be looked at.

import { makeNode, type Value } from '../graph.js';
import { opaque, type Unread } from '../ops/opaque.js';
import { f32 } from '../shape.js';
import type { BoundNode, Known, Reading } from './context.js';

/** Adds an opaque node; a result of undeclared type stays untyped. */
export function keepNode(reading: Reading, node: BoundNode, unread: Unread): readonly Known[] {
  const { proto, name } = node;
  const declared = proto.output.map((output) => reading.types.declared(output));
  const types = declared.map((type) => type ?? f32([]));
  const op = opaque(proto.opType ?? '', types, unread);
  const made = reading.builder.append(makeNode(name, op, opaqueInputs(reading, node)));
  const lost = readsNoData(node);
  return made.outputs.map((value, index) => ({ kind: declared[index] ? 'value' : 'untyped', value, lost }));
}

/** Tensors of floats are taken for weights; numbers and integers for settings, which need no edge. */
function opaqueInputs(reading: Reading, { inputs }: BoundNode): readonly Value[] {
  return inputs.flatMap((known) => {
    if (known === null) return [];
    if (known.kind === 'sequence') return known.values;
    if (known.kind !== 'constant') return [known.value];
    const { tensor } = known;
    return tensor.dtype === 'float' && tensor.shape.length > 0 ? [reading.parameter(tensor, 'trained')] : [];
  });
}

/** Whether no input of the network reaches the node. */
const readsNoData = ({ inputs }: BoundNode): boolean =>
  inputs.every((known) => known === null || known.kind === 'constant' || known.lost);

/** Whether it is made of constants alone, by nodes that nobody understands. */
export const isLostValue = (known: Known | null): boolean =>
  known !== null && known.kind !== 'constant' && known.lost;

/** Whether the node's results would be constants if those of opaque nodes before it were. */
export const isLost = (node: BoundNode): boolean => node.inputs.some(isLostValue) && readsNoData(node);
