// One ONNX node to what it stands for: what can be computed now is computed, what an operator's reader
// understands becomes nodes, and the rest becomes an opaque node that keeps the place. Knows no operator.

import { HalfspaceError } from '../errors.js';
import { makeNode, type Value } from '../graph.js';
import type { OnnxTensor } from '../ops/onnx-reader.js';
import { opaque } from '../ops/opaque.js';
import { f32, type TensorType } from '../shape.js';
import { Attributes } from './attributes.js';
import type { Constant } from './constant.js';
import { Context, knownType, type Known, type Reading } from './context.js';
import { evaluatorOf } from './fold.js';
import { damaged } from './model-error.js';
import { onnxReaders } from './readers.js';
import { isDefaultDomain, type SourceNode } from './source.js';
import { checkShape, isUniform } from './tensor.js';

/** Announces the size of a constant before it is made. */
type Claim = (elements: number) => void;

/** Computes the node now where that is possible, else adds what it means to the graph. */
export function readNode(reading: Reading, node: SourceNode, claim: Claim): void {
  try {
    const tensor = foldNode(reading, node, claim);
    if (tensor) bind(reading, node, [{ kind: 'constant', tensor }]);
    else understand(reading, node);
  } catch (error) {
    if (error instanceof HalfspaceError && error.code === 'ERR_SHAPE') damaged(error.message, error);
    throw error;
  }
}

function foldNode(reading: Reading, node: SourceNode, claim: Claim): OnnxTensor | null {
  const { proto, name } = node;
  if (!isDefaultDomain(proto.domain) || proto.output.length !== 1) return null;
  const known = proto.input.map((input) => (input === '' ? null : reading.find(input, node)));
  const constant = known.every((input) => input === null || input.kind === 'constant');
  const evaluate = evaluatorOf(proto.opType ?? '', constant);
  if (!evaluate) return null;
  const inputs = known.map((input) => (input?.kind === 'constant' ? input.tensor : null));
  const types = known.map((input) => input && typeOf(input));
  const result = evaluate({ name, attributes: new Attributes(node), inputs, types, claim });
  return result && named(result, proto.output[0] ?? '');
}

/**
 * A constant that is passed on unchanged keeps its name and identity, and so stays shared. One whose
 * elements are equal is not shared anyway, and is better called what it stands for.
 */
function named(constant: Constant | OnnxTensor, name: string): OnnxTensor {
  if (!('name' in constant)) return { ...constant, name, stored: false };
  if (!isUniform(constant)) return constant;
  const { stored, dtype, shape, data } = constant;
  return { name, stored, dtype, shape, data };
}

/** Null where nobody knows. */
const typeOf = (known: Known): TensorType | null => (known.kind === 'untyped' ? null : knownType(known));

/** Asks the operator's reader; a node that nobody understands becomes opaque and says why. */
function understand(reading: Reading, node: SourceNode): void {
  const { proto } = node;
  const reader = isDefaultDomain(proto.domain) ? onnxReaders.get(proto.opType ?? '') : undefined;
  const blind = proto.input.find((input) => reading.known.get(input)?.kind === 'untyped');
  if (!reader) return keep(reading, node, 'the operator is not known');
  if (blind !== undefined) return keep(reading, node, `the type of its input '${blind}' is not known`);
  const context = new Context(reading, node);
  const values = unlessDeclined(() => reader(context));
  if (typeof values === 'string') return keep(reading, node, values);
  bind(reading, node, values.map(computed));
  if (context.follower) {
    reading.absorbed.add(context.follower);
    bind(reading, context.follower, values.slice(0, 1).map(computed));
  }
}

const computed = (value: Value): Known => ({ kind: 'value', value });

/** The reason, where the reader cannot say what the node says. */
function unlessDeclined<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof HalfspaceError && error.code === 'ERR_UNSUPPORTED') return error.message;
    throw error;
  }
}

/** An opaque node with the result types that the file declares; a result without one stays untyped. */
function keep(reading: Reading, node: SourceNode, reason: string): void {
  const { proto, name } = node;
  const declared = proto.output.map((output) => reading.types.declared(output));
  const op = opaque(
    proto.opType ?? '',
    declared.map((type) => type ?? f32([])),
    reason,
  );
  const made = reading.builder.append(makeNode(name, op, opaqueInputs(reading, node)));
  const results = made.outputs.map((value, index): Known => ({
    kind: declared[index] ? 'value' : 'untyped',
    value,
  }));
  bind(reading, node, results);
}

/** Tensors of floats are taken for weights; numbers and integers for settings, which need no edge. */
function opaqueInputs(reading: Reading, node: SourceNode): readonly Value[] {
  return node.proto.input.flatMap((input) => {
    if (input === '') return [];
    const known = reading.find(input, node);
    if (known.kind !== 'constant') return [known.value];
    const { tensor } = known;
    return tensor.dtype === 'float' && tensor.shape.length > 0 ? [reading.parameter(tensor, 'trained')] : [];
  });
}

/** Notes what the outputs stand for. */
function bind(reading: Reading, { name, proto }: SourceNode, results: readonly Known[]): void {
  proto.output.forEach((output, index) => {
    const result = results[index];
    if (output === '' || !result) return;
    if (result.kind === 'value') checkShape(`${name}' gives '${output}`, result.value.type.shape);
    reading.known.set(output, result);
  });
}
