// Holds a device to the reference interpreter: every kernel on its own, forward and backward, and the
// optimizer step. One body for all devices.

import test, { type ExecutionContext } from 'ava';
import { assemble } from '../lib/compile/assemble.js';
import { arenaLayout, packWeights } from '../lib/compile/layout.js';
import { lower, parameterTensors, tensorFor, type Sink } from '../lib/compile/lower.js';
import type { Program } from '../lib/compile/program.js';
import { gradients } from '../lib/grad.js';
import { GraphBuilder, type Graph, type Mode, type Value } from '../lib/graph.js';
import { random } from '../lib/random.js';
import { elements } from '../lib/shape.js';
import type { Precision } from '../lib/train/device-names.js';
import { Session } from '../lib/train/session.js';
import type { Weights } from '../lib/weights.js';
import { contents, isStep, titledCases, type Case } from './operator-cases.js';
import { distinctModes, parityCases } from './parity-cases.js';
import { ReferenceSession, referenceKernels } from './reference.js';

/**
 * Largest difference from the reference, relative to the largest magnitude of the tensor. A float32
 * result carries 6e-8 of rounding, a sum of n terms about sqrt(n) times that in the mean; the longest
 * sums here have 360 terms (and 1e-6 would do), which leaves room for other orders of summation.
 */
const FP32: Arithmetic = { precision: 'fp32', tolerance: 5e-6, representable: (value) => value };

/**
 * Both sides get values that bf16 has, so that what differs is what the device rounds: each number by 2^-9
 * of itself. The longest way here, through a gradient of several kernels, has four roundings after another.
 */
export const BF16: Arithmetic = { precision: 'bf16', tolerance: 2 ** -7, representable: bf16 };

/**
 * Factors of products alone are rounded, both by 2^-10 of themselves where their low bits are cut off, and what
 * one product takes from another once more; no operator has more than two in a row.
 */
export const TF32: Arithmetic = {
  precision: 'tf32',
  tolerance: 3 * 2 ** -10,
  representable: FP32.representable,
};

/** How a device computes and what that lets it differ by, relative to the largest magnitude of a tensor. */
export interface Arithmetic {
  readonly precision: Precision;
  readonly tolerance: number;
  /** The nearest value that its operands can have. */
  readonly representable: (value: number) => number;
}

/** To nearest, ties to even. */
function bf16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  const low = (bits[0] as number) & 0xffff;
  const odd = ((bits[0] as number) >>> 16) & 1;
  bits[0] = (bits[0] as number) - low + (low + odd > 0x8000 ? 0x10000 : 0);
  return new Float32Array(bits.buffer)[0] as number;
}

/** Registers a test of a device; sessions on a GPU hold streams and workspaces, so there is one at a time. */
export const testOn = (device: string) => (device === 'cpu' ? test : test.serial);

/** Inputs of a run by name. */
type Data = Readonly<Record<string, Float32Array | Float64Array | Int32Array>>;

/** A program with one entry, `run`, and what goes into it. */
export interface Trial {
  readonly program: Program;
  readonly data: Data;
  /** First contents of arenas, by name. */
  readonly arenas: Readonly<Record<string, Float32Array>>;
}

/** Runs a trial on the device and on the reference; all outputs and all arenas must agree. */
export async function agree(
  t: ExecutionContext,
  trial: Trial,
  { precision, tolerance } = FP32,
): Promise<void> {
  const reference = new ReferenceSession(trial.program);
  using session = await Session.open(trial.program, { precision });
  for (const [name, values] of Object.entries(trial.arenas)) {
    reference.write(name, values);
    session.write(name, values);
  }
  const expected = reference.run('run', trial.data);
  const actual = await session.run('run', trial.data);
  t.deepEqual(Object.keys(actual).toSorted(), Object.keys(expected).toSorted());
  for (const [name, values] of Object.entries(expected)) close(t, name, actual[name], values, tolerance);
  for (const { name } of trial.program.arenas) {
    close(t, name, session.read(name), reference.read(name), tolerance);
  }
}

/** Compares relative to the largest magnitude. */
export function close(
  t: ExecutionContext,
  name: string,
  actual: ArrayLike<number> | undefined,
  expected: Float64Array,
  tolerance: number,
): void {
  t.is(actual?.length, expected.length, name);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  const differences = expected.map((value, i) => Math.abs(value - (actual?.[i] ?? NaN)) / largest);
  const worst = differences.reduce((a, b) => (Number.isNaN(b) || b > a ? b : a), 0);
  t.true(
    worst <= tolerance,
    `'${name}' differs by ${worst} of its largest magnitude, at ${differences.indexOf(worst)}`,
  );
}

/** The kernels that the programs run, by name. */
const covered = new Set<string>();

/** Registers the tests of every operator for one device. */
export function holdOperatorsToReference(device: string, arithmetic = FP32): void {
  const { precision, representable } = arithmetic;
  for (const [title, c] of [...titledCases, ...parityCases]) {
    for (const mode of distinctModes(c.op)) {
      testOn(device)(
        `${device} agrees in ${precision} with the reference on ${title} (${mode})`,
        async (t) => {
          await agree(t, trialOf(c, mode, device, representable), arithmetic);
        },
      );
    }
  }
}

/** Registers the tests for one device. */
export function holdToReference(device: string): void {
  holdOperatorsToReference(device);
  testOn(device)(`${device} is asked about every kernel there is`, (t) => {
    for (const [, c] of titledCases) {
      for (const mode of distinctModes(c.op)) trialOf(c, mode, device).program.entries.forEach(remember);
    }
    const kernels = Object.keys(referenceKernels).filter((kernel) => kernel !== 'update');
    t.deepEqual([...covered].toSorted(), kernels.toSorted());
  });
}

const remember = (entry: Program['entries'][number]): void =>
  entry.steps.forEach((step) => covered.add(step.kernel));

/** An operator, and in the training modes its gradients, as a program. */
function trialOf(c: Case, mode: Mode, device: string, representable = FP32.representable): Trial {
  const values = contents(c, 1).map((data) => Float32Array.from(data, representable));
  const { graph, operands, results, seed } = networkOf(c, mode);
  const written = c.op.lower(mode).outputs?.map((index) => results[index] as Value) ?? results;
  const backward = mode === 'eval' || isStep(c) ? null : differentiate(c, graph, operands, seed);
  const wanted = [...written, ...(backward?.values ?? [])];
  const sinks = wanted.map((value, i): Sink => ({
    value,
    tensor: tensorFor(value, { kind: 'output' }, `${i} ${value.name}`),
  }));
  const inputs = graph.inputs.map((value) => [value, tensorFor(value, { kind: 'input' })] as const);
  const layout = arenaLayout(graph);
  const sources = new Map([...inputs, ...parameterTensors(graph, layout, 0)]);
  const entry = {
    name: 'run',
    inputs: inputs.map(([, tensor]) => tensor),
    outputs: sinks.map((sink) => sink.tensor),
    steps: lower({ graph: backward?.graph ?? graph, mode, sources, sinks }),
  };
  const arenas = [{ name: 'parameters', dtype: 'f32' as const, length: layout.total }];
  const weights: Weights = new Map(operands.map((value, i) => [value.name, values[i] as Float32Array]));
  return {
    program: assemble(device, arenas, [entry]),
    data: Object.fromEntries(graph.inputs.map((v) => [v.name, dataOf(v, operands, values, representable)])),
    arenas: { parameters: packWeights(layout, graph, weights) },
  };
}

/** The contents of an input; what is no operand is the seed of the gradients. */
function dataOf(
  value: Value,
  operands: readonly Value[],
  values: readonly Float32Array[],
  representable: (value: number) => number,
) {
  const given = values[operands.indexOf(value)];
  if (given) return value.type.dtype === 'i32' ? Int32Array.from(given) : given;
  const stream = random(2);
  return Float32Array.from({ length: elements(value.type.shape) }, () => representable(stream.normal()));
}

/** A network of one operator: data are its inputs, the rest its parameters, as in real life. */
function networkOf(c: Case, mode: Mode) {
  const builder = new GraphBuilder();
  const updates = c.op.lower('train').updates ?? [];
  const zero = { kind: 'constant', value: 0 } as const;
  const operands = c.inputs.map((type, i) =>
    i < (c.data ?? c.inputs.length)
      ? builder.input(`x${i}`, type)
      : builder.parameter(`p${i}`, type.shape, zero, !updates.includes(i)),
  );
  const results = builder.emit(c.op, operands, 'y');
  const y = c.join ? builder.apply(c.join, results, 'joined') : (results[0] as Value);
  const seed = c.labels || mode === 'eval' || isStep(c) ? null : builder.input('seed', y.type);
  return { graph: builder.graph([y]), operands, results, seed };
}

/** Gradients with respect to everything that has one: not of labels, not of running statistics. */
function differentiate(c: Case, graph: Graph, operands: readonly Value[], seed: Value | null) {
  const updates = c.op.lower('train').updates ?? [];
  const wrt = operands.filter((_, i) => !updates.includes(i) && !(c.labels && i === 1));
  const backward = gradients(graph, graph.outputs[0] as Value, wrt, ...(seed ? [seed] : []));
  return { graph: backward.graph, values: backward.gradients.filter((value) => value !== null) };
}
