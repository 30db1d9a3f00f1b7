// One ONNX node to what it stands for: what can be computed now is computed, what an operator's reader
// understands becomes nodes, and the rest becomes an opaque node that keeps the place. Knows no operator.

import { HalfspaceError } from '../errors.js';
import type { OnnxReader, OnnxTensor } from '../ops/onnx-reader.js';
import { batchOf, type Value } from '../graph.js';
import type { Unread } from '../ops/opaque.js';
import type { TensorType } from '../shape.js';
import { Attributes } from './attributes.js';
import type { Constant } from './constant.js';
import { Context, knownType, type BoundNode, type Known, type Reading } from './context.js';
import { evaluatorOf } from './fold.js';
import { isGuessed, isLost, isLostValue, keepNode, valuesOf } from './keep-node.js';
import { damaged } from './model-error.js';
import { onnxReaders } from './readers.js';
import { isDefaultDomain, type SourceNode } from './source.js';
import { checkShape, isUniform } from './tensor.js';

/** Announces the size of a constant before it is made. */
type Claim = (elements: number) => void;

/** Computes the node now where that is possible, else adds what it means to the graph. */
export function readNode(reading: Reading, source: SourceNode, claim: Claim): void {
  const node = reading.bound(source);
  try {
    const tensors = foldNode(node, claim);
    if (tensors) bindConstants(reading, node, tensors);
    else understand(reading, node);
  } catch (error) {
    if (!(error instanceof HalfspaceError)) throw error;
    if (isGuessed(node)) return bind(reading, node, keepNode(reading, node, misfit(node)));
    if (error.code !== 'ERR_SHAPE') throw error;
    // What an operator complains about has the node's name in front, with the complaint as its cause.
    const named = error.cause instanceof HalfspaceError;
    damaged(named ? error.message : `${source.proto.opType} '${source.name}': ${error.message}`, error);
  }
}

/** A node that shows a guess to be wrong says nothing about the file. */
function misfit(node: BoundNode): Unread {
  const guessed = node.inputs.findIndex((known) => known?.guessed === true);
  return { reason: `the type of its input '${nameOf(node, guessed)}' is not known`, follows: true };
}

function foldNode(node: BoundNode, claim: Claim): readonly OnnxTensor[] | null {
  const { proto, name } = node;
  if (!isDefaultDomain(proto.domain)) return null;
  if (!evaluatorOf(proto.opType ?? '', true)) return null;
  const evaluate = evaluatorOf(proto.opType ?? '', readsConstants(node));
  if (!evaluate) return null;
  const inputs = node.inputs.map((input) => (input?.kind === 'constant' ? input.tensor : null));
  const types = node.inputs.map((input) => input && typeOf(input));
  const outputs = proto.output.length;
  const results = evaluate({ name, attributes: new Attributes(node), inputs, types, outputs, claim });
  return results && results.map((result, index) => named(result, proto.output[index] ?? ''));
}

function bindConstants(reading: Reading, node: BoundNode, tensors: readonly OnnxTensor[]): void {
  const guessed = isGuessed(node);
  const results = tensors.map((tensor): Known => ({ kind: 'constant', tensor, guessed }));
  bind(reading, node, results);
}

const readsConstants = ({ inputs }: BoundNode): boolean =>
  inputs.every((input) => input === null || input.kind === 'constant');

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

/** Null where nobody knows, and for a sequence. */
const typeOf = (known: Known): TensorType | null =>
  known.kind === 'value' || known.kind === 'constant' ? knownType(known) : null;

/** Asks the operator's reader; a node that nobody understands is kept as it is, with the reason. */
function understand(reading: Reading, node: BoundNode): void {
  const context = new Context(reading, node);
  const values = understood(node, context);
  if ('reason' in values) {
    const undeclared = isKnownOperator(node) ? 'untyped' : 'like its input';
    return bind(reading, node, keepNode(reading, node, values, undeclared));
  }
  if (breaksBatch(reading, node, values.flat())) {
    const reason = `it works at no batch size but ${batchOf(reading.builder.inputs)}`;
    const types = values.map((value) => ('origin' in value ? value.type : null));
    return bind(reading, node, keepNode(reading, node, { reason, follows: false }, 'untyped', types));
  }
  const lost = isLost(node);
  const guessed = isGuessed(node);
  const results = values.map((value): Known =>
    'origin' in value
      ? { kind: 'value', value, lost, guessed }
      : { kind: 'sequence', values: value, lost, guessed },
  );
  bind(reading, node, results);
  if (context.follower) {
    reading.absorbed.add(context.follower);
    bind(reading, context.follower, results.slice(0, 1));
  }
}

/** Whether its results are `values` at the network's batch size only, although what it reads is there at others. */
const breaksBatch = ({ nextBatch }: Reading, { inputs }: BoundNode, values: readonly Value[]): boolean => {
  const isKnown = (value: Value): boolean => nextBatch.type(value) !== null;
  return !values.every(isKnown) && inputs.flatMap(valuesOf).every(isKnown);
};

/** What the node's results are in our graph, or why nobody can say. */
function understood(node: BoundNode, context: Context): ReturnType<OnnxReader> | Unread {
  const { domain, opType = '' } = node.proto;
  if (!isDefaultDomain(domain)) return { reason: `operators of '${domain}' are not known`, follows: false };
  if (!isKnownOperator(node)) return { reason: 'the operator is not known', follows: false };
  const reader = onnxReaders.get(opType);
  const blind = node.inputs.findIndex((known) => known?.kind === 'untyped');
  if (blind >= 0)
    return { reason: `the type of its input '${nameOf(node, blind)}' is not known`, follows: true };
  const read = reader ? unlessDeclined(() => reader(context)) : onlyFolded(node);
  if (typeof read !== 'string') return read;
  const lost = node.inputs.findIndex(isLostValue);
  if (lost < 0) return { reason: read, follows: false };
  return { reason: `what its input '${nameOf(node, lost)}' is made of is not known`, follows: true };
}

const isKnownOperator = ({ proto: { domain, opType = '' } }: BoundNode): boolean =>
  isDefaultDomain(domain) && (onnxReaders.has(opType) || evaluatorOf(opType, true) !== undefined);

const nameOf = ({ proto }: BoundNode, input: number): string => proto.input[input] ?? '';

/** Why a node is left that only constants would have made disappear. */
const onlyFolded = (node: BoundNode): string =>
  readsConstants(node) ? 'this form of it is not known' : 'it is computed on constants only';

/** The reason, where the reader cannot say what the node says. */
function unlessDeclined<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof HalfspaceError && error.code === 'ERR_UNSUPPORTED') return error.message;
    throw error;
  }
}

/** Notes what the outputs stand for. */
function bind(reading: Reading, { name, proto }: SourceNode, results: readonly Known[]): void {
  proto.output.forEach((output, index) => {
    const result = results[index];
    if (output === '' || !result) return;
    const type = typeOf(result);
    if (type) checkShape(`node '${name}' gives '${output}'`, type.shape);
    reading.known.set(output, result);
  });
}
