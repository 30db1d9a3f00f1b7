// What a reader sees of one ONNX node, and the graph that it adds to. One `Reading` a file.

import { HalfspaceError } from '../errors.js';
import {
  GraphBuilder,
  isParameter,
  makeNode,
  producer,
  type Node,
  type Op,
  type Parameter,
  type Value,
} from '../graph.js';
import type { OnnxContext, OnnxLayout, OnnxTensor } from '../ops/onnx-reader.js';
import type { TensorType } from '../shape.js';
import { Attributes } from './attributes.js';
import { damaged } from './model-error.js';
import { NextBatch } from './next-batch.js';
import type { Source, SourceNode } from './source.js';
import { floatsOf, isUniform } from './tensor.js';
import { TiedWeights } from './tied-weights.js';
import { DeclaredTypes } from './types.js';

/** Axes for which programs have room. */
const mostAxes = 8;

/** What a name in the file stands for: a tensor, or several, or one that is not read. */
export type Known = KnownTensor | KnownSequence | KnownUnread;

/** Contents known now, or a value of our graph. */
type KnownTensor = KnownConstant | KnownValue;

interface Certainty {
  /** Whether it hangs on the type of a node that nobody understands, and that nobody declares. */
  readonly guessed: boolean;
}

interface KnownConstant extends Certainty {
  readonly kind: 'constant';
  readonly tensor: OnnxTensor;
}

/** A value of our graph; what reads one of a type that nobody knows cannot be understood either. */
interface KnownValue extends Certainty {
  readonly kind: 'value' | 'untyped';
  readonly value: Value;
  /** Whether it is made of constants alone, by nodes that nobody understands. */
  readonly lost: boolean;
}

/** Values that the file passes on as one, to be taken out by position. */
interface KnownSequence extends Certainty {
  readonly kind: 'sequence';
  readonly values: readonly Value[];
  readonly lost: boolean;
}

/** A tensor of the file whose contents are not read: what reads it cannot be understood. */
interface KnownUnread extends Certainty {
  readonly kind: 'unread';
  /** What of it cannot be read: `is of type int4`. */
  readonly why: string;
}

/** Trained by gradients, changed by statistics, or data that happens to be known. */
type Role = 'trained' | 'statistic' | 'data';

/** A node of the file when its turn has come. */
export interface BoundNode extends SourceNode {
  /** What its inputs stand for; null where one is left out. */
  readonly inputs: readonly (Known | null)[];
}

/** The growing graph and what is known by name. Constants become parameters when a node reads them. */
export class Reading {
  readonly builder: GraphBuilder;
  readonly known = new Map<string, Known>();
  /** Nodes that another one has read along with itself. */
  readonly absorbed = new Set<SourceNode>();
  /** What readers say is lost, and in which nodes. */
  readonly losses = new Map<string, string[]>();
  /** What the file declares about values. */
  readonly types: DeclaredTypes;
  readonly nextBatch: NextBatch;
  readonly #parameters = new Map<OnnxLayout | null, Map<OnnxTensor, Value>>();
  readonly #tied: TiedWeights;

  constructor(readonly source: Source) {
    this.builder = new GraphBuilder(source.names);
    this.nextBatch = new NextBatch(this.builder);
    this.#tied = new TiedWeights(this.builder);
    const { valueInfo, output } = source.graph;
    this.types = new DeclaredTypes([...valueInfo, ...output]);
  }

  /** `node` with what its inputs stand for. */
  bound({ name, proto }: SourceNode): BoundNode {
    const inputs = proto.input.map((input) => {
      if (input === '') return null;
      return this.known.get(input) ?? damaged(`node '${name}' reads '${input}', which has no contents`);
    });
    return { name, proto, inputs };
  }

  /**
   * The parameter that holds a constant. Its uses share one, so tied weights stay tied, unless all its
   * elements are equal: exporters merge tensors of equal contents, and the zeros and ones that a network
   * starts with are equal by chance. Each reader then gets its own.
   */
  parameter(tensor: OnnxTensor, role: Role, layout: OnnxLayout | null = null): Value {
    if (role !== 'data' && isUniform(tensor)) return this.#make(arranged(tensor, layout), role);
    const made = this.#parameters.get(layout) ?? new Map<OnnxTensor, Value>();
    this.#parameters.set(layout, made);
    const value = made.get(tensor) ?? this.#makeTied(arranged(tensor, layout), role);
    made.set(tensor, value);
    return value;
  }

  #makeTied(tensor: OnnxTensor, role: Role): Value {
    if (role !== 'trained') return this.#make(tensor, role);
    return this.#tied.get(tensor) ?? this.#tied.add(tensor, this.#make(tensor, role));
  }

  #make(tensor: OnnxTensor, role: Role): Parameter {
    return this.builder.parameter(tensor.name, tensor.shape, new Stored(tensor), role === 'trained');
  }
}

const arranged = (tensor: OnnxTensor, layout: OnnxLayout | null): OnnxTensor =>
  layout ? layout(tensor) : tensor;

/** First contents of a parameter, converted from those of the file when they are asked for. */
class Stored {
  readonly kind = 'data';
  readonly #tensor: OnnxTensor;

  /** What the tensor was turned from is not held along with it. */
  constructor(tensor: OnnxTensor) {
    const { name, stored, dtype, shape, turned } = tensor;
    this.#tensor = turned ? { name, stored, dtype, shape, data: tensor.data } : tensor;
  }

  get data(): Float32Array {
    return floatsOf(this.#tensor);
  }
}

/** The type of what a name stands for. */
export function knownType(known: KnownTensor): TensorType {
  if (known.kind !== 'constant') return known.value.type;
  return { dtype: known.tensor.dtype === 'float' ? 'f32' : 'i32', shape: known.tensor.shape };
}

/** The first of the nodes that make `value` of parameters alone; null where an input of the network has a part in it. */
function onlyOfConstants(value: Value): Node | null {
  const makers = new Set<Node>();
  const pending = [value];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.origin === 'input') return null;
    const maker = producer(next);
    if (!maker || makers.has(maker)) continue;
    makers.add(maker);
    pending.push(...maker.inputs);
  }
  return Array.from(makers).find(({ inputs }) => inputs.every(isParameter)) ?? null;
}

export class Context implements OnnxContext {
  readonly opType: string;
  readonly opset: number;
  readonly attributes: Attributes;
  readonly inputs: number;
  readonly outputs: number;
  /** A node that was read along with this one, and gives the same result. */
  follower: SourceNode | null = null;
  readonly #reading: Reading;
  readonly #node: BoundNode;
  #emitted = 0;

  constructor(reading: Reading, node: BoundNode) {
    this.#reading = reading;
    this.#node = node;
    this.opType = node.proto.opType ?? '';
    this.opset = reading.source.opset;
    this.attributes = new Attributes(node);
    this.inputs = node.proto.input.length;
    this.outputs = node.proto.output.length;
  }

  given(index: number): boolean {
    return Boolean(this.#node.inputs[index]);
  }

  type(index: number): TensorType {
    return knownType(this.#known(index));
  }

  nextType(index: number): TensorType | null {
    const known = this.#known(index);
    return known.kind === 'constant' ? knownType(known) : this.#reading.nextBatch.type(known.value);
  }

  constant(index: number): OnnxTensor | null {
    if (!this.given(index)) return null;
    const known = this.#known(index);
    return known.kind === 'constant' ? known.tensor : null;
  }

  data(index: number, layout?: OnnxLayout): Value {
    const known = this.#known(index);
    return known.kind === 'constant' ? this.#reading.parameter(known.tensor, 'data', layout) : known.value;
  }

  sequence(index: number): readonly Value[] {
    const known = this.#bound(index);
    return known.kind === 'sequence' ? known.values : this.decline(`input ${index} is not a sequence`);
  }

  trained(index: number, layout?: OnnxLayout): Value {
    this.#requireFloats(index);
    return this.#reading.parameter(this.#required(index), 'trained', layout);
  }

  statistic(index: number): Value {
    return this.#reading.parameter(this.#required(index), 'statistic');
  }

  emit(op: Op, inputs: readonly Value[]): readonly Value[] {
    const { builder } = this.#reading;
    inputs.forEach((value) => this.#requireFloat(value));
    const first = this.#emitted++ === 0;
    const absorbed = this.#emitted === 2 ? this.follower : null;
    const name = first
      ? this.#node.name
      : (absorbed?.name ?? builder.unique(`${this.#node.name}.${op.name}`));
    const node = makeNode(name, op, inputs);
    this.#requireAxes(inputs);
    this.#requireAxes(node.outputs);
    return builder.append(node).outputs;
  }

  absorb(opType: string, accept: (tensor: OnnxTensor) => boolean): Value | null {
    const { source } = this.#reading;
    const result = this.#node.proto.output[0] ?? '';
    const [follower, ...others] = source.readersOf(result) ?? [];
    if (!follower || others.length > 0 || follower.proto.opType !== opType) return null;
    if (source.graph.output.some((output) => output.name === result)) return null;
    const tensor = this.#operandBeside(follower, result);
    if (!tensor || !accept(tensor)) return null;
    this.follower = follower;
    return this.#reading.parameter(tensor, 'trained');
  }

  note(loss: string): void {
    const { losses } = this.#reading;
    const nodes = losses.get(loss);
    if (nodes) nodes.push(this.#node.name);
    else losses.set(loss, [this.#node.name]);
  }

  decline(reason: string): never {
    throw new HalfspaceError('ERR_UNSUPPORTED', reason);
  }

  /** What has more axes than a program takes can be looked at, and not run. */
  #requireAxes(values: readonly Value[]): void {
    for (const { type } of values) {
      const rank = type.shape.length;
      if (rank > mostAxes) this.decline(`it makes or reads a tensor of ${rank} axes, more than ${mostAxes}`);
    }
  }

  /** The constant that a node of two inputs reads next to `result`. */
  #operandBeside(node: SourceNode, result: string): OnnxTensor | null {
    const others = node.proto.input.filter((name) => name !== result);
    const known = this.#reading.known.get(others[0] ?? '');
    return node.proto.input.length === 2 && others.length === 1 && known?.kind === 'constant'
      ? known.tensor
      : null;
  }

  #required(index: number): OnnxTensor {
    return this.constant(index) ?? this.decline(this.#whyComputed(index));
  }

  /** Names the first node that stands between constants and an input that has to be one. */
  #whyComputed(index: number): string {
    const known = this.#bound(index);
    const maker = known.kind === 'value' ? onlyOfConstants(known.value) : null;
    return maker
      ? `input ${index} is computed of constants by '${maker.name}', which is not folded`
      : `input ${index} is not a constant`;
  }

  /** Integers are not trained. */
  #requireFloats(index: number): void {
    const { dtype, name } = this.#required(index);
    if (dtype === 'int') this.decline(`its weight '${name}' holds integers`);
  }

  /** Operators compute on floats only. */
  #requireFloat(value: Value): void {
    if (value.type.dtype === 'f32') return;
    const { inputs, proto } = this.#node;
    const index = inputs.findIndex((known) => known?.kind === 'value' && known.value === value);
    this.decline(`its input '${proto.input[index] ?? value.name}' holds integers`);
  }

  #known(index: number): KnownTensor {
    const known = this.#bound(index);
    if (known.kind === 'sequence') return this.decline(`input ${index} is a sequence`);
    if (known.kind === 'unread')
      return this.decline(`its input '${this.#node.proto.input[index]}' ${known.why}, which is not read`);
    return known;
  }

  #bound(index: number): Known {
    return this.#node.inputs[index] ?? damaged(`${this.opType} '${this.#node.name}' has no input ${index}`);
  }
}
