// What a reader sees of one ONNX node, and the graph that it adds to. One `Reading` a file.

import { HalfspaceError } from '../errors.js';
import { GraphBuilder, makeNode, type Op, type Parameter, type Value } from '../graph.js';
import type { OnnxContext, OnnxLayout, OnnxTensor } from '../ops/onnx-reader.js';
import type { TensorType } from '../shape.js';
import { Attributes } from './attributes.js';
import { damaged } from './model-error.js';
import { NextBatch } from './next-batch.js';
import type { Source, SourceNode } from './source.js';
import { floatsOf, isUniform } from './tensor.js';
import { TiedWeights } from './tied-weights.js';
import { DeclaredTypes } from './types.js';

/** What a name in the file stands for: a tensor, or several. */
export type Known = KnownTensor | KnownSequence;

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
    const first = this.#emitted++ === 0;
    if (first) return builder.append(makeNode(this.#node.name, op, inputs)).outputs;
    const absorbed = this.#emitted === 2 ? this.follower : null;
    if (absorbed) return builder.append(makeNode(absorbed.name, op, inputs)).outputs;
    return builder.emit(op, inputs, `${this.#node.name}.${op.name}`);
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

  decline(reason: string): never {
    throw new HalfspaceError('ERR_UNSUPPORTED', reason);
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
    return this.constant(index) ?? this.decline(`input ${index} is not a constant`);
  }

  /** Integers are neither trained nor what weights are applied to. */
  #requireFloats(index: number): void {
    const { dtype, name } = this.#required(index);
    if (dtype === 'int') this.decline(`its weight '${name}' holds integers`);
    const [data] = this.#node.inputs;
    if (data?.kind === 'value' && data.value.type.dtype === 'i32')
      this.decline(`its input '${this.#node.proto.input[0]}' holds integers`);
  }

  #known(index: number): KnownTensor {
    const known = this.#bound(index);
    return known.kind === 'sequence' ? this.decline(`input ${index} is a sequence`) : known;
  }

  #bound(index: number): Known {
    return this.#node.inputs[index] ?? damaged(`${this.opType} '${this.#node.name}' has no input ${index}`);
  }
}
