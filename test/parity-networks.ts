// Holds a device to the reference interpreter on random networks: what planning does with layouts, with
// memory that values share and with results that later steps read shows only in company.

import fc from 'fast-check';
import { compileInference } from '../lib/compile/inference.js';
import { packWeights } from '../lib/compile/layout.js';
import type { Program } from '../lib/compile/program.js';
import { compileTraining } from '../lib/compile/training.js';
import { HYPER } from '../lib/compile/update.js';
import type { Graph, Value } from '../lib/graph.js';
import { random } from '../lib/random.js';
import { elements } from '../lib/shape.js';
import { Session } from '../lib/train/session.js';
import { initialWeights } from '../lib/weights.js';
import { testOn } from './parity.js';
import { networks } from './random-networks.js';
import { ReferenceSession } from './reference.js';

/**
 * Random networks may magnify rounding without limit (normalisation of nearly constant channels, one
 * after another), so each is asked how much: a device may differ from the reference by this many times
 * what the reference itself changes by when inputs and weights are moved by ROUNDING, a few units in the
 * last place of float32, and by TOLERANCE in any case.
 */
const MAGNIFICATION = 20;
const ROUNDING = 3e-7;
const TOLERANCE = 5e-6;

const BATCH = 3;
const RUNS = Number(process.env['HALFSPACE_RUNS'] ?? 40);

type Arrays = Readonly<Record<string, Float32Array | Float64Array | Int32Array>>;

/** One run of an entry: what goes in, and which arenas are looked at beside its outputs. */
interface Question {
  readonly program: Program;
  readonly entry: string;
  readonly data: Arrays;
  readonly parameters: Float32Array;
  readonly arenas: readonly string[];
}

export function holdNetworksToReference(device: string): void {
  for (const [kind, ask] of Object.entries({ inference, training })) {
    testOn(device)(`${device} agrees with the reference on random networks: ${kind}`, async (t) => {
      const trained = kind === 'training';
      const networksOfAllKinds = networks({ outputs: trained ? 1 : 3, oneInput: trained });
      const property = fc.asyncProperty(networksOfAllKinds, async ({ graph }) => agree(ask(graph, device)));
      await t.notThrowsAsync(async () => fc.assert(property, { numRuns: RUNS, seed: 11 }));
    });
  }
}

function inference(graph: Graph, device: string): Question {
  const { program, layout } = compileInference(graph, { batch: BATCH, device });
  const parameters = packWeights(layout, graph, initialWeights(graph, 5));
  return { program, entry: 'infer', data: imagesOf(graph), parameters, arenas: [] };
}

/** Gradients and running statistics; a learning rate of zero leaves the parameters themselves alone. */
function training(graph: Graph, device: string): Question {
  const { program, layout } = compileTraining(graph, { batch: BATCH, device, rule: 'sgd', groups: [] });
  const parameters = packWeights(layout, graph, initialWeights(graph, 5));
  const labels = Int32Array.from({ length: BATCH }, (_, row) => row % 2);
  const hyper = new Float64Array(HYPER.length);
  const [images] = Object.values(imagesOf(graph)) as [Float32Array];
  const data = { images, labels, hyper, ceilings: new Float64Array(0) };
  return { program, entry: 'train', data, parameters, arenas: ['parameters', 'gradients'] };
}

/** Random images for every input, by its name. */
function imagesOf({ inputs }: Graph): Readonly<Record<string, Float32Array>> {
  const stream = random(6);
  const images = ({ type }: Value): Float32Array =>
    Float32Array.from({ length: BATCH * elements(type.shape.slice(1)) }, () => stream.normal());
  return Object.fromEntries(inputs.map((input) => [input.name, images(input)]));
}

async function agree(question: Question): Promise<void> {
  const expected = answer(question, 0);
  const moved = [1, 2, 3].map((seed) => answer(question, seed));
  const actual = await answerOf(question);
  for (const [name, values] of Object.entries(expected)) {
    const change = Math.max(...moved.map((result) => difference(result[name], values)));
    const differs = difference(actual[name], values);
    if (!(differs <= MAGNIFICATION * change + TOLERANCE)) {
      throw new Error(`'${name}' differs by ${differs}, where rounding the inputs changes it by ${change}`);
    }
  }
}

/** What the reference answers when its inputs and parameters are moved a little; seed 0 moves nothing. */
function answer(question: Question, seed: number): Readonly<Record<string, ArrayLike<number>>> {
  const session = new ReferenceSession(question.program);
  const stream = random(seed);
  const move = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(values, (value) => (seed === 0 ? value : value * (1 + ROUNDING * stream.normal())));
  const images = Object.entries(question.data).slice(0, 1);
  const data = {
    ...question.data,
    ...Object.fromEntries(images.map(([name, values]) => [name, move(values)])),
  };
  session.write('parameters', move(question.parameters));
  const outputs = session.run(question.entry, data);
  return {
    ...outputs,
    ...Object.fromEntries(question.arenas.map((name) => [`${name}.`, session.read(name)])),
  };
}

async function answerOf(question: Question): Promise<Readonly<Record<string, ArrayLike<number>>>> {
  using session = await Session.open(question.program, { threads: 2, precision: 'fp32' });
  session.write('parameters', question.parameters);
  const outputs = await session.run(question.entry, question.data);
  return {
    ...outputs,
    ...Object.fromEntries(question.arenas.map((name) => [`${name}.`, session.read(name)])),
  };
}

/** The largest difference, relative to the largest magnitude. */
function difference(actual: ArrayLike<number> | undefined, expected: ArrayLike<number>): number {
  if (actual?.length !== expected.length) return Infinity;
  const largest = Array.from(expected, Math.abs).reduce((a, b) => Math.max(a, b), 1e-30);
  const differences = Array.from(expected, (value, i) => Math.abs(value - (actual[i] as number)));
  return differences.reduce((a, b) => (b > a || Number.isNaN(b) ? b : a), 0) / largest;
}
