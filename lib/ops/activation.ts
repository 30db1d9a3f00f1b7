// Element-wise functions of one tensor. All of them come from one factory over the kernels `unary` and
// `unary_backward`, which know the functions by name.

import type { Attributes, Epilogue, GradientContext, Homogeneity, OnnxForm, Op, Value } from '../graph.js';
import { f32, type TensorType } from '../shape.js';
import { mapReader, type OnnxContext, type OnnxReaders } from './onnx-reader.js';
import {
  alike,
  arity,
  channelwise,
  emitOne,
  floatScalar,
  gradientOp,
  input,
  neverZero,
  noMacs,
  output,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';

/** What distinguishes one function from another. */
interface Function {
  readonly name: string;
  /** The kernel's name of it. */
  readonly function: string;
  readonly parameters?: Attributes;
  readonly mapsZeroToZero: boolean;
  /** By which factors y is multiplied with x; none unless told. */
  readonly factors?: Homogeneity;
  /** Whether the derivative can be told from y alone, so that x need not be kept for it. */
  readonly gradientFromResult?: boolean;
  readonly epilogue?: Epilogue;
  readonly onnx: OnnxForm | null;
}

const onnx = (opType: string, attributes: OnnxForm['attributes'] = {}): OnnxForm => ({ opType, attributes });

const SLOPE = Math.sqrt(8 / Math.PI);
const CURVE = 0.044715;

/** x sigmoid(x (SLOPE + SLOPE CURVE x^2)), likewise one node only in later operator sets. */
const onnxGeluTanh: OnnxForm = {
  ...onnx('Mul'),
  inputs: [0, { before: 4 }],
  before: [
    { ...onnx('Mul'), inputs: [0, 0] },
    { ...onnx('Mul'), inputs: [{ before: 0 }, floatScalar(SLOPE * CURVE)] },
    { ...onnx('Add'), inputs: [{ before: 1 }, floatScalar(SLOPE)] },
    { ...onnx('Mul'), inputs: [0, { before: 2 }] },
    { ...onnx('Sigmoid'), inputs: [{ before: 3 }] },
  ],
};

/** x (1 + erf(x / sqrt(2))) / 2, one node only in later operator sets than the one we write. */
const onnxGelu: OnnxForm = {
  ...onnx('Mul'),
  inputs: [{ before: 3 }, floatScalar(0.5)],
  before: [
    { ...onnx('Mul'), inputs: [0, floatScalar(Math.SQRT1_2)] },
    { ...onnx('Erf'), inputs: [{ before: 0 }] },
    { ...onnx('Add'), inputs: [{ before: 1 }, floatScalar(1)] },
    { ...onnx('Mul'), inputs: [0, { before: 2 }] },
  ],
};

/** max(x, 0) */
export const relu = (): Op =>
  elementwise({
    name: 'Relu',
    function: 'relu',
    mapsZeroToZero: true,
    factors: 'positive',
    gradientFromResult: true,
    epilogue: 'relu',
    onnx: onnx('Relu'),
  });

/** x where x > 0, alpha x elsewhere */
export const leakyRelu = (alpha = 0.01): Op =>
  elementwise({
    name: 'LeakyRelu',
    function: 'leaky_relu',
    parameters: { alpha },
    mapsZeroToZero: true,
    factors: 'positive',
    gradientFromResult: alpha > 0,
    onnx: onnx('LeakyRelu', { alpha: { float: alpha } }),
  });

/** x where x > 0, alpha (exp(x) - 1) elsewhere */
export const elu = (alpha = 1): Op =>
  bent('Elu', { alpha, gamma: 1, rate: 1 }, onnx('Elu', { alpha: { float: alpha } }));

/** gamma elu(x) with the two numbers for which layers keep mean zero and variance one */
export const selu = (alpha = 1.6732632423543772, gamma = 1.0507009873554805): Op =>
  bent('Selu', { alpha, gamma, rate: 1 }, onnx('Selu', { alpha: { float: alpha }, gamma: { float: gamma } }));

/** x where x > 0, alpha (exp(x / alpha) - 1) elsewhere */
export const celu = (alpha = 1): Op =>
  bent('Celu', { alpha, gamma: 1, rate: 1 / alpha }, onnx('Celu', { alpha: { float: alpha } }));

const bent = (name: string, parameters: Attributes, form: OnnxForm): Op =>
  elementwise({ name, function: 'elu', parameters, mapsZeroToZero: true, onnx: form });

/** log(1 + exp(x)) */
export const softplus = (): Op =>
  elementwise({ name: 'Softplus', function: 'softplus', mapsZeroToZero: false, onnx: onnx('Softplus') });

/** x tanh(log(1 + exp(x))) */
export const mish = (): Op =>
  elementwise({ name: 'Mish', function: 'mish', mapsZeroToZero: true, onnx: onnx('Mish') });

/** x / (1 + |x|) */
export const softsign = (): Op =>
  elementwise({ name: 'Softsign', function: 'softsign', mapsZeroToZero: true, onnx: onnx('Softsign') });

/** 1 / (1 + exp(-x)) */
export const sigmoid = (): Op =>
  elementwise({ name: 'Sigmoid', function: 'sigmoid', mapsZeroToZero: false, onnx: onnx('Sigmoid') });

/** tanh(x) */
export const tanh = (): Op =>
  elementwise({ name: 'Tanh', function: 'tanh', mapsZeroToZero: true, onnx: onnx('Tanh') });

/** x sigmoid(x) */
export const silu = (): Op =>
  elementwise({
    name: 'Silu',
    function: 'silu',
    mapsZeroToZero: true,
    onnx: { ...onnx('Mul'), inputs: [0, { before: 0 }], before: [onnx('Sigmoid')] },
  });

/** x Phi(x), with the exact error function */
export const gelu = (): Op =>
  elementwise({ name: 'Gelu', function: 'gelu', mapsZeroToZero: true, onnx: onnxGelu });

/** x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, close to `gelu` */
export const geluTanh = (): Op =>
  elementwise({ name: 'GeluTanh', function: 'gelu_tanh', mapsZeroToZero: true, onnx: onnxGeluTanh });

/** min(max(alpha x + beta, 0), 1) */
export const hardSigmoid = (alpha = 1 / 6, beta = 0.5): Op =>
  elementwise({
    name: 'HardSigmoid',
    function: 'hard_sigmoid',
    parameters: { alpha, beta },
    mapsZeroToZero: beta <= 0,
    onnx: onnx('HardSigmoid', { alpha: { float: alpha }, beta: { float: beta } }),
  });

/** x min(max(x / 6 + 1 / 2, 0), 1) */
export const hardSwish = (): Op =>
  elementwise({ name: 'HardSwish', function: 'hard_swish', mapsZeroToZero: true, onnx: onnx('HardSwish') });

/** min(max(x, min), max) */
export const clip = (min: number, max: number): Op =>
  elementwise({
    name: 'Clip',
    function: 'clip',
    parameters: { min, max },
    mapsZeroToZero: min <= 0 && max >= 0,
    onnx: { ...onnx('Clip'), inputs: [0, floatScalar(min), floatScalar(max)] },
  });

/** alpha x + beta */
export const affine = (alpha: number, beta: number): Op =>
  elementwise({
    name: 'Affine',
    function: 'affine',
    parameters: { alpha, beta },
    mapsZeroToZero: beta === 0,
    factors: beta === 0 ? 'any' : 'none',
    onnx: affineForm(alpha, beta),
  });

/** |x| */
export const abs = (): Op =>
  elementwise({
    name: 'Abs',
    function: 'abs',
    mapsZeroToZero: true,
    factors: 'positive',
    onnx: onnx('Abs'),
  });

/** exp(x) */
export const exp = (): Op =>
  elementwise({ name: 'Exp', function: 'exp', mapsZeroToZero: false, onnx: onnx('Exp') });

/** log(x), for positive x */
export const log = (): Op =>
  elementwise({ name: 'Log', function: 'log', mapsZeroToZero: false, onnx: onnx('Log') });

/** sqrt(x), for positive x */
export const sqrt = (): Op =>
  elementwise({ name: 'Sqrt', function: 'sqrt', mapsZeroToZero: true, onnx: onnx('Sqrt') });

/** The error function. */
export const erf = (): Op =>
  elementwise({ name: 'Erf', function: 'erf', mapsZeroToZero: true, onnx: onnx('Erf') });

/** x to a constant power; x is positive unless the exponent is whole. */
export const power = (exponent: number): Op =>
  elementwise({
    name: 'Pow',
    function: 'power',
    parameters: { exponent },
    mapsZeroToZero: exponent > 0,
    onnx: { ...onnx('Pow'), inputs: [0, floatScalar(exponent)] },
  });

function affineForm(alpha: number, beta: number): OnnxForm {
  const scaled: OnnxForm = { ...onnx('Mul'), inputs: [0, floatScalar(alpha)] };
  if (beta === 0) return scaled;
  if (alpha === 1) return { ...onnx('Add'), inputs: [0, floatScalar(beta)] };
  return { ...onnx('Add'), inputs: [{ before: 0 }, floatScalar(beta)], before: [scaled] };
}

function elementwise(definition: Function): Op {
  const { parameters = {}, factors = 'none', epilogue = null } = definition;
  const form = definition.onnx;
  const op: Op = {
    name: definition.name,
    attrs: parameters,
    infer: single,
    gradient: (context) => [gradient(definition, context)],
    lower: () => ({ kernel: 'unary', attrs: { function: definition.function, ...parameters } }),
    macs: noMacs,
    onnx: form && (() => form),
    zero: definition.mapsZeroToZero ? zeroWithFirst : neverZero,
    homogeneous: ([x]) => (x ? factors : 'none'),
    joint: null,
    narrow: channelwise(() => op),
    probabilities: null,
    epilogue,
    fuse: unfusable,
  };
  return op;
}

function single(inputs: readonly TensorType[]): readonly TensorType[] {
  arity(inputs, 1, 1);
  return [alike(inputs)];
}

/** dL/dx = dy f'(x) */
export const unaryBackward = (name: string, attrs: Attributes, x: TensorType): Op =>
  gradientOp({ name: `${name}Backward`, kernel: 'unary_backward', attrs, outputs: [f32(x.shape)] });

function gradient(definition: Function, context: GradientContext): Value {
  const [x, y] = [input(context, 0), output(context, 0)];
  const attrs = { function: definition.function, ...definition.parameters };
  const backward = unaryBackward(definition.name, attrs, x.type);
  return emitOne(context, backward, [upstream(context), definition.gradientFromResult ? y : x, y]);
}

/** An absent bound of Clip is no bound. */
function bound(context: OnnxContext, index: number, absent: number): number {
  if (!context.given(index)) return absent;
  return context.constant(index)?.data[0] ?? context.decline('its bounds are not constants');
}

function readGelu(context: OnnxContext): readonly Value[] {
  const approximate = context.attributes.string('approximate', 'none');
  if (approximate !== 'none' && approximate !== 'tanh')
    context.decline(`its approximation '${approximate}' is not supported`);
  return context.emit(approximate === 'tanh' ? geluTanh() : gelu(), [context.data(0)]);
}

/** With the numbers that ONNX takes where a file gives none. */
function readSelu(context: OnnxContext): readonly Value[] {
  const { attributes } = context;
  const op = selu(attributes.float('alpha', 1.6732632), attributes.float('gamma', 1.050701));
  return context.emit(op, [context.data(0)]);
}

function readCelu(context: OnnxContext): readonly Value[] {
  const alpha = context.attributes.float('alpha', 1);
  if (alpha === 0) context.decline('its alpha is zero');
  return context.emit(celu(alpha), [context.data(0)]);
}

export const readers: OnnxReaders = {
  Relu: mapReader(relu),
  Sigmoid: mapReader(sigmoid),
  Tanh: mapReader(tanh),
  HardSwish: mapReader(hardSwish),
  Gelu: readGelu,
  Abs: mapReader(abs),
  Elu: (context) => context.emit(elu(context.attributes.float('alpha', 1)), [context.data(0)]),
  Selu: readSelu,
  Celu: readCelu,
  Softplus: mapReader(softplus),
  Mish: mapReader(mish),
  Softsign: mapReader(softsign),
  Erf: mapReader(erf),
  Exp: mapReader(exp),
  Log: mapReader(log),
  Sqrt: mapReader(sqrt),
  Neg: mapReader(() => affine(-1, 0)),
  Reciprocal: mapReader(() => power(-1)),
  Pow: (context) => {
    const [exponent, ...others] = Array.from(context.constant(1)?.data ?? []);
    if (exponent === undefined || others.length > 0) context.decline('its exponent is not one constant');
    return context.emit(power(exponent as number), [context.data(0)]);
  },
  LeakyRelu: (context) => context.emit(leakyRelu(context.attributes.float('alpha', 0.01)), [context.data(0)]),
  HardSigmoid: (context) => {
    const { attributes } = context;
    const op = hardSigmoid(attributes.float('alpha', 0.2), attributes.float('beta', 0.5));
    return context.emit(op, [context.data(0)]);
  },
  Clip: (context) =>
    context.emit(clip(bound(context, 1, -Infinity), bound(context, 2, Infinity)), [context.data(0)]),
};
