// Nodes that nobody understands: they stay in the graph as opaque nodes, with the types that the file
// declares for their results, so that the network around them can still be looked at.

import { makeNode, type Value } from '../graph.js';
import { opaque, type Unread } from '../ops/opaque.js';
import { f32 } from '../shape.js';
import type { Known, Reading } from './context.js';
import type { SourceNode } from './source.js';

/** Adds an opaque node; a result of undeclared type stays untyped. */
export function keepNode(reading: Reading, node: SourceNode, unread: Unread): readonly Known[] {
  const { proto, name } = node;
  const declared = proto.output.map((output) => reading.types.declared(output));
  const types = declared.map((type) => type ?? f32([]));
  const op = opaque(proto.opType ?? '', types, unread);
  const made = reading.builder.append(makeNode(name, op, opaqueInputs(reading, node)));
  const lost = readsNoData(reading, node);
  return made.outputs.map((value, index) => ({ kind: declared[index] ? 'value' : 'untyped', value, lost }));
}

/** Tensors of floats are taken for weights; numbers and integers for settings, which need no edge. */
function opaqueInputs(reading: Reading, node: SourceNode): readonly Value[] {
  return inputsOf(reading, node).flatMap((known) => {
    if (known.kind === 'sequence') return known.values;
    if (known.kind !== 'constant') return [known.value];
    const { tensor } = known;
    return tensor.dtype === 'float' && tensor.shape.length > 0 ? [reading.parameter(tensor, 'trained')] : [];
  });
}

const inputsOf = (reading: Reading, node: SourceNode): readonly Known[] =>
  node.proto.input.filter((input) => input !== '').map((input) => reading.find(input, node));

/** Whether no input of the network reaches the node. */
const readsNoData = (reading: Reading, node: SourceNode): boolean =>
  inputsOf(reading, node).every((known) => known.kind === 'constant' || known.lost);

/** Whether the node's results would be constants if those of opaque nodes before it were. */
export const isLost = (reading: Reading, node: SourceNode): boolean =>
  inputsOf(reading, node).some((known) => known.kind !== 'constant' && known.lost) &&
  readsNoData(reading, node);
