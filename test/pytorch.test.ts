// Training steps against PyTorch, an implementation that shares nothing with ours: its convolutions, its
// automatic differentiation, its optimizers. Both sides work in float64.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { offsetOf, packWeights } from '../lib/compile/layout.js';
import { compileTraining } from '../lib/compile/training.js';
import { HYPER } from '../lib/compile/update.js';
import { elements } from '../lib/shape.js';
import { initialWeights } from '../lib/weights.js';
import { pythonWith, runPython } from './onnx-tools.js';
import { BATCH, batchOf, branchyNetwork } from './branchy-network.js';
import { ReferenceSession } from './reference.js';

/**
 * Largest absolute difference of parameters and losses, which are of the order of one: four steps of
 * float64 arithmetic with a thousand roundings of 1e-16 each, magnified by normalisation.
 */
const TOLERANCE = 1e-11;

const STEPS = [1, 2, 3];
const SMOOTHING = 0.1;

interface Answer {
  readonly losses: readonly number[];
  readonly correct: readonly number[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
}

interface Recipe {
  readonly rule: 'sgd' | 'adam' | 'adamw';
  readonly nesterov: boolean;
  readonly learningRate: number;
}

const script = fileURLToPath(new URL('pytorch-step.py', import.meta.url));
const python = pythonWith('torch');
const graph = branchyNetwork();
const weights = initialWeights(graph, 3);

const hyperOf = ({ learningRate }: Recipe, step: number): Readonly<Record<string, number>> => ({
  learningRate,
  momentum: 0.9,
  beta2: 0.99,
  weightDecay: 0.01,
  adamEpsilon: 1e-6,
  step,
});

/** What PyTorch makes of the recipes. */
function askPyTorch(interpreter: string, questions: readonly Recipe[]): readonly Answer[] {
  const folder = mkdtempSync(join(tmpdir(), 'halfspace-'));
  const file = join(folder, 'steps.json');
  const described = graph.parameters.map((p) => [
    p.name,
    { shape: p.type.shape, data: [...(weights.get(p.name) ?? [])], trainable: p.trainable },
  ]);
  const question = {
    recipes: questions.map((recipe) => ({ ...recipe, hyper: hyperOf(recipe, 1) })),
    smoothing: SMOOTHING,
    steps: STEPS.map((step) => plain(batchOf(graph, step))),
    weights: Object.fromEntries(described),
  };
  try {
    writeFileSync(file, JSON.stringify(question));
    return JSON.parse(runPython(interpreter, script, file)) as readonly Answer[];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const plain = ({ images, labels }: ReturnType<typeof batchOf>) => ({
  images: [...images],
  labels: [...labels],
});

/** What our programs make of it, in float64. */
function answer(recipe: Recipe): Answer {
  const options = { ...recipe, batch: BATCH, smoothing: SMOOTHING, groups: [] };
  const { program, layout } = compileTraining(graph, options);
  const session = new ReferenceSession(program);
  session.write('parameters', packWeights(layout, graph, weights));
  const results = STEPS.map((step) => {
    const hyper = hyperOf(recipe, step);
    return session.run('train', {
      ...batchOf(graph, step),
      hyper: HYPER.map((name) => hyper[name] ?? 0),
      ceilings: [],
    });
  });
  const trained = graph.parameters.map((p) => {
    const values = session.read('parameters', offsetOf(layout, p.name), elements(p.type.shape));
    return [p.name, [...values]] as const;
  });
  return {
    losses: results.map((result) => result['loss']?.[0] as number),
    correct: results.map((result) => result['correct']?.[0] as number),
    weights: Object.fromEntries(trained),
  };
}

/** The largest absolute difference; infinite where lengths differ. */
const difference = (actual: readonly number[], expected: readonly number[]): number =>
  actual.length === expected.length
    ? Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] as number))))
    : Infinity;

const recipes: readonly Recipe[] = [
  { rule: 'sgd', nesterov: false, learningRate: 0.05 },
  { rule: 'sgd', nesterov: true, learningRate: 0.05 },
  { rule: 'adam', nesterov: false, learningRate: 1e-3 },
  { rule: 'adamw', nesterov: false, learningRate: 1e-3 },
];

const answers = python ? askPyTorch(python, recipes) : [];
const peerTest = python ? test : test.skip;

recipes.forEach((recipe, index) => {
  peerTest(
    `training with ${recipe.rule}${recipe.nesterov ? ' and Nesterov' : ''} is what PyTorch does`,
    (t) => {
      const expected = answers[index] as (typeof answers)[number];
      const actual = answer(recipe);
      t.true(difference(actual.losses, expected.losses) < TOLERANCE);
      t.deepEqual(actual.correct, expected.correct);
      t.deepEqual(Object.keys(actual.weights), Object.keys(expected.weights));
      for (const [parameter, values] of Object.entries(expected.weights)) {
        const differs = difference(actual.weights[parameter] ?? [], values);
        t.true(differs < TOLERANCE, `'${parameter}' differs by ${differs}`);
      }
    },
  );
});
