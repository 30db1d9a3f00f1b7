// How well a network does on the test split of a dataset: quickly by the program that trains it, and
// by its own outputs, independent of what trained it.

import { classification } from '../compile/loss.js';
import type { Dataset } from '../data/dataset.js';
import { HalfspaceError } from '../errors.js';
import type { Graph } from '../graph.js';
import { formatShape } from '../shape.js';
import type { Weights } from '../weights.js';
import type { DeviceNetwork } from './device-network.js';
import { testBatches, type TestOptions } from './feed.js';
import { InferenceNetwork, inferenceSettings, type InferenceOptions } from './inference.js';

/** How many of the test images a network gets right. */
export interface Evaluation {
  /** Share of the images whose highest output is their class. */
  readonly accuracy: number;
  readonly correct: number;
  readonly images: number;
}

/** How a network shall be run on a data set; all of it may be left open. */
export interface EvaluationOptions extends InferenceOptions {
  /** Told of each image that cannot be decoded and is left out; without it, or null, that is an error. */
  readonly skipCorrupt?: ((error: HalfspaceError) => void) | null;
}

/** Images that run at once where the caller does not say. */
const usualBatch = 64;

/**
 * Runs the whole test split through the network. Throws ERR_GRAPH where it is no network of images and logits,
 * ERR_SHAPE where it does not fit those of the data set.
 */
export async function evaluate(
  graph: Graph,
  weights: Weights,
  dataset: Dataset,
  { skipCorrupt = null, ...options }: EvaluationOptions = {},
  signal?: AbortSignal,
): Promise<Evaluation> {
  checkFits(graph, dataset);
  const settings = inferenceSettings(options, usualBatch);
  const network = await InferenceNetwork.open(graph, weights, settings);
  const input = graph.inputs[0]?.name as string;
  let correct = 0;
  let images = 0;
  try {
    for await (const batch of testBatches(dataset, { ...settings, skipCorrupt })) {
      const [logits] = await network.run({ [input]: batch.images }, signal);
      correct += countCorrect(logits as Float32Array, batch.labels);
      images += batch.count;
    }
  } finally {
    network.dispose();
  }
  return { accuracy: correct / images, correct, images };
}

/** Mean loss and share of right answers. */
export interface Measurement {
  readonly loss: number;
  readonly accuracy: number;
}

/** Runs the test split through a network that is being trained. */
export async function measure(
  network: DeviceNetwork,
  dataset: Dataset,
  options: TestOptions,
  signal?: AbortSignal,
): Promise<Measurement> {
  let [loss, correct, images] = [0, 0, 0];
  for await (const { count, ...labelled } of testBatches(dataset, options)) {
    const outcome = await network.evaluate(labelled, signal);
    loss += outcome.loss * count;
    correct += outcome.correct;
    images += count;
  }
  return { loss: loss / images, accuracy: correct / images };
}

/** Rows whose first largest output is the label; rows with label -1 never are. */
export function countCorrect(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  return labels.reduce((correct, label, row) => {
    const outputs = logits.subarray(row * classes, (row + 1) * classes);
    return correct + (label === indexOfLargest(outputs) ? 1 : 0);
  }, 0);
}

const indexOfLargest = (values: Float32Array): number =>
  values.reduce((best, value, index) => (value > (values[best] as number) ? index : best), 0);

/**
 * Throws ERR_GRAPH unless the network takes images and gives logits, ERR_SHAPE unless they are those of the
 * dataset's images and classes.
 */
export function checkFits(graph: Graph, dataset: Dataset): void {
  const { images, logits } = classification(graph);
  const input = images.type.shape.slice(1);
  const classes = logits.type.shape[1];
  if (formatShape(input) !== formatShape(dataset.shape)) {
    throw new HalfspaceError(
      'ERR_SHAPE',
      `the network takes images ${formatShape(input)}, '${dataset.name}' has ${formatShape(dataset.shape)}` +
        adviceOnSize(input, dataset.shape),
    );
  }
  if (classes !== dataset.classes.length) {
    throw new HalfspaceError(
      'ERR_SHAPE',
      `the network tells ${classes} classes apart, '${dataset.name}' has ${dataset.classes.length}: ` +
        `give the network an output of ${dataset.classes.length} before it is exported, or data of ${classes} classes`,
    );
  }
}

/** What helps where nothing but height and width differ. */
function adviceOnSize([channels, height, width]: readonly number[], [expected]: Dataset['shape']): string {
  if (channels !== expected || height === undefined || width === undefined) return '';
  const resize = height === width ? `, or read images from folders with --size ${height}` : '';
  return `: export the network with open height and width${resize}`;
}
