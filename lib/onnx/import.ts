// An ONNX file to a graph: weights, inputs, then node by node in order, then outputs. Knows no operator.

import { setNew } from '../collections.js';
import { HalfspaceError } from '../errors.js';
import { verified, type Graph } from '../graph.js';
import { elements, f32, type Shape } from '../shape.js';
import { Reading, type Known } from './context.js';
import { firstFew } from './first-few.js';
import { floatInputs } from './float-inputs.js';
import { foldingAccount } from './fold.js';
import { damaged } from './model-error.js';
import { finish } from './finish.js';
import { outputValues } from './outputs.js';
import { describePrecision } from './precision.js';
import { readNode } from './read-node.js';
import { recognise } from './recognise.js';
import type { TensorProto } from './schema.js';
import { readSource } from './source.js';
import { readTensor, unreadType } from './tensor.js';

/** Options of `fromOnnx`. */
export interface ImportOptions {
  /** The folder in which contents outside the file are looked for; without it they are refused. */
  readonly directory?: string;
  /** Shapes of inputs by name, for files that leave more open than the batch size. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** Channels, height and width of inputs that leave them open and are not in `shapes`. */
  readonly image?: Shape;
  /** Told what the network does not keep of the file: precisions other than single, dropout. */
  readonly note?: (text: string) => void;
}

/**
 * The network in an ONNX file (operator sets 11 to 24), at batch size 1 where the file leaves it open.
 * Weights are the parameters' initial contents; constants beside them are not trained. Operators
 * that the library lacks become opaque nodes (`unsupported`). Throws ERR_MODEL for a malformed file.
 */
export function fromOnnx(bytes: Uint8Array, options: ImportOptions = {}): Graph {
  const source = readSource(bytes);
  const floats = floatInputs(source);
  const precision = describePrecision(source.graph, floats);
  if (precision !== null) options.note?.(precision);
  const reading = new Reading(source);
  readInitializers(reading, options.directory ?? null);
  readInputs(reading, floats, options);
  const claim = foldingAccount(constantElements(reading));
  for (const node of source.nodes) {
    if (!reading.absorbed.has(node)) readNode(reading, node, claim);
  }
  for (const [loss, nodes] of reading.losses)
    options.note?.(`${loss}: ${firstFew(nodes.map((name) => `'${name}'`))}`);
  const names = source.graph.output.map(({ name = '' }) => name);
  const outputs = outputValues(reading, names);
  return verified(finish(recognise(reading.builder.draft(outputs)), names));
}

function readInitializers(reading: Reading, directory: string | null): void {
  const { initializer, sparseInitializer = [] } = reading.source.graph;
  const add = (name: string, known: Known): void => {
    if (!setNew(reading.known, name, known)) damaged(`initializer '${name}' is there twice`);
  };
  for (const proto of initializer) {
    const name = proto.name || damaged('an initializer has no name');
    add(name, stored(proto, name, directory));
  }
  for (const { values } of sparseInitializer)
    add(values?.name || damaged('an initializer has no name'), unread('is sparse'));
}

function stored(proto: TensorProto, name: string, directory: string | null): Known {
  const type = unreadType(proto);
  if (type !== null) return unread(`is of type ${type}`);
  const tensor = readTensor(proto, name, { directory, stored: true });
  return { kind: 'constant', tensor, guessed: false };
}

const unread = (why: string): Known => ({ kind: 'unread', why, guessed: false });

function constantElements(reading: Reading): number {
  const sizes = Array.from(reading.known.values(), (known) =>
    known.kind === 'constant' ? elements(known.tensor.shape) : 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Old files list initializers among the inputs; those are no inputs of ours. */
function readInputs(
  reading: Reading,
  floats: ReadonlySet<string>,
  { shapes = {}, image }: ImportOptions,
): void {
  const declared = reading.source.graph.input.filter(({ name = '' }) => !reading.known.has(name));
  const unknown = Object.keys(shapes).find((name) => !declared.some((input) => input.name === name));
  if (unknown !== undefined) {
    const names = declared.map((input) => `'${input.name}'`).join(', ');
    throw new HalfspaceError('ERR_OPTION', `shapes: the model has no input '${unknown}', only ${names}`);
  }
  for (const input of declared) {
    const name = input.name || damaged('an input has no name');
    if (reading.known.has(name)) damaged(`input '${name}' is there twice`);
    const asked = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    const declaredType = reading.types.input(input, asked, image);
    const type = floats.has(name) ? f32(declaredType.shape) : declaredType;
    const value = reading.builder.adoptInput({ name, type, origin: 'input' });
    reading.known.set(name, { kind: 'value', value, lost: false, guessed: false });
  }
}
