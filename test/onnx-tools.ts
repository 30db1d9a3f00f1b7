// What the ONNX tests share: onnxruntime as the oracle, our reference interpreter as the other side, and
// a Python with the packages that some questions need.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { compileInference } from '../lib/compile/inference.js';
import { packWeights } from '../lib/compile/layout.js';
import { compileTraining } from '../lib/compile/training.js';
import { HYPER } from '../lib/compile/update.js';
import { typesAtBatch, type Graph } from '../lib/graph.js';
import { random } from '../lib/random.js';
import { elements, type Shape } from '../lib/shape.js';
import { openNative } from '../lib/train/device-network.js';
import { InferenceNetwork } from '../lib/train/inference.js';
import { Session } from '../lib/train/session.js';
import { initialWeights, type Weights } from '../lib/weights.js';
import { ReferenceSession } from './reference.js';

export type Contents = Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;

/** Normal noise for each input of `graph`, for `batch` images. */
export const noise = (graph: Graph, batch: number, seed = 1): Contents =>
  Object.fromEntries(
    typesAtBatch(graph.inputs, batch).map(({ shape }, index) => {
      const stream = random(seed, index);
      const data = Float32Array.from({ length: elements(shape) }, () => stream.normal());
      return [graph.inputs[index]?.name ?? '', { shape, data }];
    }),
  );

/** The outputs that onnxruntime computes for a model or the file at a path, in the file's order. Unoptimised, so that it is a plain oracle. */
export async function runOnnx(model: Uint8Array | string, contents: Contents): Promise<Float32Array[]> {
  const options = { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
  const session = await (typeof model === 'string'
    ? ort.InferenceSession.create(model, options)
    : ort.InferenceSession.create(model, options));
  try {
    const feeds = session.inputNames.map((name, index) => {
      const given = contents[name] ?? Object.values(contents)[index];
      if (!given) throw new Error(`no contents for the input '${name}'`);
      const { shape, data } = given;
      return [name, new ort.Tensor('float32', data, shape)] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    return session.outputNames.map((name) => Float32Array.from(results[name]?.data as Float32Array));
  } finally {
    await session.release();
  }
}

/** The outputs that the float64 interpreter computes. */
export function runReference(graph: Graph, weights: Weights, contents: Contents): Float64Array[] {
  const batch = Object.values(contents)[0]?.shape[0] ?? 1;
  const { program, layout } = compileInference(graph, { batch });
  const session = new ReferenceSession(program);
  session.write('parameters', packWeights(layout, graph, weights));
  const inputs = Object.fromEntries(Object.entries(contents).map(([name, { data }]) => [name, data]));
  const results = session.run('infer', inputs);
  return graph.outputs.map((output) => results[output.name] as Float64Array);
}

/** The outputs that the native engine computes. */
export async function runNative(
  graph: Graph,
  weights: Weights,
  contents: Contents,
): Promise<readonly Float32Array[]> {
  const batch = Object.values(contents)[0]?.shape[0] ?? 1;
  const network = await InferenceNetwork.open(graph, weights, { batch, device: 'cpu', open: openNative() });
  try {
    return await network.run(
      Object.fromEntries(Object.entries(contents).map(([name, { data }]) => [name, data])),
    );
  } finally {
    network.dispose();
  }
}

/** Losses of training steps on one batch of noise, by plain gradient descent, as the native engine takes them. */
export async function trainNative(
  graph: Graph,
  batch: number,
  steps: number,
  rate: number,
): Promise<readonly number[]> {
  const { program, layout } = compileTraining(graph, { batch, rule: 'sgd', groups: [] });
  using session = await Session.open(program);
  session.write('parameters', packWeights(layout, graph, initialWeights(graph, 0)));
  const images = Object.values(noise(graph, batch))[0]?.data as Float32Array;
  const labels = Int32Array.from({ length: batch }, (_, image) => image);
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const named: Readonly<Record<string, number>> = { learningRate: rate, step };
    const hyper = Float64Array.from(HYPER, (name) => named[name] ?? 0);
    const { loss } = await session.run('train', { images, labels, hyper, ceilings: new Float64Array() });
    losses.push(loss?.[0] as number);
  }
  return losses;
}

/** The largest difference over all elements, relative to the largest magnitude; infinite where lengths differ. */
export function relativeDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  const differences = Array.from(expected, (value, index) => Math.abs(value - (actual[index] as number)));
  const scale = Array.from(expected, Math.abs).reduce((a, b) => Math.max(a, b), 1e-30);
  const largest = differences.reduce((a, b) => (b > a || Number.isNaN(b) ? b : a), 0);
  return largest / scale;
}

/** A Python that has `packages`, or null. */
export function pythonWith(...packages: string[]): string | null {
  const candidates = [process.env['HALFSPACE_PYTHON'], '.venv/bin/python'];
  const python = candidates.find((path) => path !== undefined && existsSync(path));
  if (!python) return null;
  const found = packages.map((name) => `find_spec('${name}')`).join(' and ');
  const script = `from importlib.util import find_spec\nassert ${found}`;
  const check = spawnSync(python, ['-c', script], { stdio: 'ignore' });
  return check.status === 0 ? python : null;
}

/** Runs a Python program; its standard output. */
export const runPython = (python: string, ...args: string[]): string =>
  execFileSync(python, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 });
