// The public way to write a network: one method a layer, parameters made and initialised along the
// way. A thin coat over `GraphBuilder`; what layers mean is said by the operators.

import { HalfspaceError } from './errors.js';
import {
  extend,
  GraphBuilder,
  makeNode,
  type Graph,
  type Initializer,
  type Op,
  type Parameter,
  type Value,
} from './graph.js';
import * as ops from './ops/index.js';
import type { Padding, Pair } from './ops/index.js';
import { dim, elements, f32, formatShape, type Shape } from './shape.js';

/** One number for height and width alike, or both. */
export type Size = number | Pair;

/** `same` keeps ceil(size / stride); a number goes on all sides; four are top, left, bottom, right. */
export type PaddingOption = 'same' | number | Padding;

/** Options of every layer. */
export interface NodeOptions {
  /** Name of the node and, with a suffix, of its parameters; made unique where it is taken. */
  readonly name?: string;
}

/** Options of `Network.conv`. */
export interface ConvOptions extends NodeOptions {
  /** 3 unless told. */
  readonly kernel?: Size;
  readonly stride?: Size;
  /** `same` unless told. */
  readonly padding?: PaddingOption;
  readonly dilation?: Size;
  readonly groups?: number;
  /** True unless told. */
  readonly bias?: boolean;
}

/** Options of `Network.batchNorm`. */
export interface BatchNormOptions extends NodeOptions {
  /** 1e-5 unless told. */
  readonly epsilon?: number;
  /** Weight of the new batch in the running statistics, 0.1 unless told. */
  readonly momentum?: number;
}

/** Options of both poolings. */
export interface PoolOptions extends NodeOptions {
  /** 2 unless told. */
  readonly kernel?: Size;
  /** The kernel's size unless told. */
  readonly stride?: Size;
  /** 0 unless told. */
  readonly padding?: PaddingOption;
  /** Whether a last, partial window counts. */
  readonly ceil?: boolean;
}

/** Options of `Network.maxPool`. */
export interface MaxPoolOptions extends PoolOptions {
  readonly dilation?: Size;
}

/** Options of `Network.averagePool`. */
export interface AveragePoolOptions extends PoolOptions {
  /** Whether padding counts in the divisor; false unless told. */
  readonly countIncludePad?: boolean;
}

/** Options of `Network.resize`. */
export interface ResizeOptions extends NodeOptions {
  /** Factor of height and width; this or `size`. */
  readonly scale?: Size;
  /** Height and width of the result. */
  readonly size?: Size;
  /** `nearest` unless told. */
  readonly mode?: 'nearest' | 'linear';
  /** `asymmetric` for nearest and `half_pixel` for linear unless told, as PyTorch has it. */
  readonly coordinates?: 'half_pixel' | 'asymmetric' | 'align_corners';
}

/** Pixels to cut off each side, none unless told. */
export interface CropOptions extends NodeOptions {
  readonly top?: number;
  readonly left?: number;
  readonly bottom?: number;
  readonly right?: number;
}

/** Options of `Network.linear`. */
export interface LinearOptions extends NodeOptions {
  /** True unless told. */
  readonly bias?: boolean;
}

/**
 * Builds a graph layer by layer. Parameters are named as in PyTorch: `<node>.weight`, `<node>.bias`,
 * `<node>.running_mean`, `<node>.running_var`. Shapes that do not fit throw ERR_SHAPE at the layer.
 */
export class Network {
  readonly #builder: GraphBuilder;

  /** An empty network, or `graph` to go on from: its values can be given to every method. */
  constructor(graph?: Graph) {
    this.#builder = graph ? extend(graph) : new GraphBuilder();
  }

  /** A data input; `shape` begins with the batch, which compiling replaces: `[1, 3, 32, 32]`. */
  input(name: string, shape: Shape): Value {
    return this.#builder.input(name, f32(requireSizes(name, shape)));
  }

  /** Applies any operator of `ops`; for what has no method of its own. */
  apply(op: Op, inputs: readonly Value[], options: NodeOptions = {}): Value {
    return this.#builder.apply(op, requireValues(options.name ?? op.name, inputs), options.name);
  }

  /** A parameter of one's own making, shared by every node that it is given to. */
  parameter(name: string, shape: Shape, init: Initializer, trainable = true): Parameter {
    return this.#builder.parameter(name, requireSizes(name, shape), init, trainable);
  }

  /**
   * Convolution: [N, C, H, W] -> [N, outChannels, H', W'].
   * Weights are drawn from a normal distribution of variance 2 / (outChannels kh kw / groups)
   * (He et al. 2015, fan-out), biases start at zero.
   */
  conv(x: Value, outChannels: number, options: ConvOptions = {}): Value {
    const { groups = 1, bias = true } = options;
    const kernel = pair(options.kernel ?? 3);
    const strides = pair(options.stride ?? 1);
    const dilations = pair(options.dilation ?? 1);
    const padding = pads(options.padding ?? 'same', kernel, dilations);
    const name = this.#name(options, 'conv');
    const shape = [outChannels, channelsPerGroup(name, x, groups), kernel[0], kernel[1]];
    const deviation = Math.sqrt((2 * groups) / (outChannels * elements(kernel)));
    const weight = this.parameter(`${name}.weight`, shape, { kind: 'normal', deviation });
    const op = ops.conv({ strides, padding, dilations, groups });
    if (!bias) return this.#add(name, op, [x, weight]);
    return this.#add(name, op, [x, weight, this.#vector(`${name}.bias`, outChannels, 0)]);
  }

  /** Batch normalisation over axis 1: shape kept. Scale starts at one, bias at zero. */
  batchNorm(x: Value, options: BatchNormOptions = {}): Value {
    const { epsilon = 1e-5, momentum = 0.1 } = options;
    const name = this.#name(options, 'bn');
    const channels = axisOf(name, x, 1);
    return this.#add(name, ops.batchNorm({ epsilon, momentum }), [
      x,
      this.#vector(`${name}.weight`, channels, 1),
      this.#vector(`${name}.bias`, channels, 0),
      this.#vector(`${name}.running_mean`, channels, 0, false),
      this.#vector(`${name}.running_var`, channels, 1, false),
    ]);
  }

  /** max(x, 0): shape kept. */
  relu(x: Value, options: NodeOptions = {}): Value {
    return this.apply(ops.relu(), [x], options);
  }

  /** 1 / (1 + exp(-x)): shape kept. */
  sigmoid(x: Value, options: NodeOptions = {}): Value {
    return this.apply(ops.sigmoid(), [x], options);
  }

  /** x sigmoid(x): shape kept. */
  silu(x: Value, options: NodeOptions = {}): Value {
    return this.apply(ops.silu(), [x], options);
  }

  /** x Phi(x): shape kept. */
  gelu(x: Value, options: NodeOptions = {}): Value {
    return this.apply(ops.gelu(), [x], options);
  }

  /** x min(max(x / 6 + 1 / 2, 0), 1): shape kept. */
  hardSwish(x: Value, options: NodeOptions = {}): Value {
    return this.apply(ops.hardSwish(), [x], options);
  }

  /** Product of two values that broadcast to one shape, a gate [N, C, 1, 1] and an image for instance. */
  multiply(a: Value, b: Value, options: NodeOptions = {}): Value {
    return this.apply(ops.multiply(), [a, b], options);
  }

  /** Sum of values of one shape. */
  add(terms: readonly Value[], options: NodeOptions = {}): Value {
    return this.apply(ops.sum(), terms, options);
  }

  /** Joins along `axis` (1, the channels, unless told): shapes equal but for it. */
  concat(parts: readonly Value[], options: NodeOptions & { readonly axis?: number } = {}): Value {
    return this.apply(ops.concat(options.axis ?? 1), parts, options);
  }

  /** Maximum over windows: [N, C, H, W] -> [N, C, H', W']. */
  maxPool(x: Value, options: MaxPoolOptions = {}): Value {
    const dilations = pair(options.dilation ?? 1);
    return this.apply(ops.maxPool({ ...pooling(options, dilations), dilations }), [x], options);
  }

  /** Mean over windows: [N, C, H, W] -> [N, C, H', W']. */
  averagePool(x: Value, options: AveragePoolOptions = {}): Value {
    const { countIncludePad = false } = options;
    return this.apply(ops.averagePool({ ...pooling(options, [1, 1]), countIncludePad }), [x], options);
  }

  /** Mean over the image: [N, C, H, W] -> [N, C, 1, 1]. */
  globalAveragePool(x: Value, options: NodeOptions = {}): Value {
    return this.apply(ops.globalAveragePool(), [x], options);
  }

  /** Resampling: [N, C, H, W] -> [N, C, floor(H scale), floor(W scale)], or to the `size` given. */
  resize(x: Value, options: ResizeOptions): Value {
    const { mode = 'nearest', coordinates = mode === 'nearest' ? 'asymmetric' : 'half_pixel' } = options;
    return this.apply(ops.resize({ scales: scalesOf(options, x), mode, coordinates }), [x], options);
  }

  /** [N, ...] -> [N, product of the rest]. */
  flatten(x: Value, options: NodeOptions = {}): Value {
    return this.apply(ops.flatten(), [x], options);
  }

  /** Drops an axis of size one: [N, C, 1, 1] -> [N, C, 1] for axis 3. */
  squeeze(x: Value, axis: number, options: NodeOptions = {}): Value {
    return this.apply(ops.squeeze([axis]), [x], options);
  }

  /** Cuts pixels off the sides: [N, C, H, W] -> [N, C, H - top - bottom, W - left - right]. */
  crop(x: Value, options: CropOptions): Value {
    const { top = 0, left = 0, bottom = 0, right = 0 } = options;
    const name = options.name ?? 'crop';
    const sizes = [axisOf(name, x, 2) - top - bottom, axisOf(name, x, 3) - left - right];
    return this.apply(ops.slice({ axes: [2, 3], starts: [top, left], sizes }), [x], options);
  }

  /** The same elements in another shape; 0 copies an axis of x, one -1 takes what is left. */
  reshape(x: Value, shape: Shape, options: NodeOptions = {}): Value {
    return this.apply(ops.reshape(shape), [x], options);
  }

  /** Fully connected: [N, I] -> [N, outFeatures]; weights and biases uniform within 1 / sqrt(I). */
  linear(x: Value, outFeatures: number, options: LinearOptions = {}): Value {
    const { bias = true } = options;
    const name = this.#name(options, 'linear');
    const features = axisOf(name, x, 1);
    const init: Initializer = { kind: 'uniform', bound: 1 / Math.sqrt(features) };
    const weight = this.parameter(`${name}.weight`, [outFeatures, features], init);
    const biases = bias ? [this.parameter(`${name}.bias`, [outFeatures], init)] : [];
    return this.#add(name, ops.linear(), [x, weight, ...biases]);
  }

  /** The network so far, with these results. */
  graph(outputs: readonly Value[]): Graph {
    return this.#builder.graph(requireValues('graph', outputs));
  }

  #name(options: NodeOptions, otherwise: string): string {
    return this.#builder.unique(options.name ?? otherwise);
  }

  #vector(name: string, length: number, value: number, trainable = true): Parameter {
    return this.parameter(name, [length], { kind: 'constant', value }, trainable);
  }

  /** Adds a node whose name is already reserved. */
  #add(name: string, op: Op, inputs: readonly Value[]): Value {
    return this.#builder.append(makeNode(name, op, inputs)).outputs[0] as Value;
  }
}

const pair = (size: Size): Pair => (typeof size === 'number' ? [size, size] : size);

/** `same` with an even extent has its odd row and column at the bottom and right. */
function pads(padding: PaddingOption, kernel: Pair, dilations: Pair): Padding {
  if (padding !== 'same') return typeof padding === 'number' ? [padding, padding, padding, padding] : padding;
  const height = dilations[0] * (kernel[0] - 1);
  const width = dilations[1] * (kernel[1] - 1);
  return [Math.floor(height / 2), Math.floor(width / 2), Math.ceil(height / 2), Math.ceil(width / 2)];
}

function pooling(options: PoolOptions, dilations: Pair) {
  const kernel = pair(options.kernel ?? 2);
  return {
    kernel,
    strides: pair(options.stride ?? kernel),
    padding: pads(options.padding ?? 0, kernel, dilations),
    ceil: options.ceil ?? false,
  };
}

function scalesOf({ scale, size }: ResizeOptions, x: Value): Pair {
  if (scale !== undefined && size === undefined) return pair(scale);
  if (scale !== undefined || size === undefined) {
    throw new HalfspaceError('ERR_OPTION', `resize of '${x.name}': give either a scale or a size`);
  }
  const [height, width] = pair(size);
  return [height / dim(x.type.shape, 2), width / dim(x.type.shape, 3)];
}

/** A number of channels that is none shows up here, in the shape of a weight. */
function requireSizes(name: string, shape: Shape): Shape {
  if (shape.every((size) => Number.isInteger(size) && size >= 1)) return shape;
  throw new HalfspaceError(
    'ERR_SHAPE',
    `'${name}': expected sizes that are whole numbers from 1, got ${formatShape(shape)}`,
  );
}

/** The size of an axis of what a layer is given. */
const axisOf = (layer: string, x: Value, axis: number): number =>
  dim(requireValue(layer, x).type.shape, axis);

/** For callers without types: one value in place of a list, or something else in place of a value. */
function requireValues(where: string, values: readonly Value[]): readonly Value[] {
  if (!Array.isArray(values)) {
    throw new HalfspaceError('ERR_OPTION', `${where}: expected a list of values, got ${describe(values)}`);
  }
  for (const value of values as readonly Value[]) requireValue(where, value);
  return values;
}

function requireValue(where: string, value: Value): Value {
  if (isValue(value)) return value;
  throw new HalfspaceError('ERR_OPTION', `${where}: expected a value of a network, got ${describe(value)}`);
}

const isValue = (value: unknown): value is Value =>
  typeof value === 'object' && value !== null && 'type' in value && 'origin' in value;

function describe(value: unknown): string {
  if (isValue(value)) return `the value '${value.name}' alone`;
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value;
}

function channelsPerGroup(name: string, x: Value, groups: number): number {
  const channels = axisOf(name, x, 1);
  if (channels % groups === 0) return channels / groups;
  throw new HalfspaceError(
    'ERR_SHAPE',
    `Conv '${name}': ${channels} channels do not fall into ${groups} groups`,
  );
}
