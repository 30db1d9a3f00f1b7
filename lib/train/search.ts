// The whole job in one call: train a super-network once, get back a verified sub-network.

import { createHash } from 'node:crypto';
import type { Dataset } from '../data/dataset.js';
import { HalfspaceError } from '../errors.js';
import { print, type Graph, type Parameter } from '../graph.js';
import { toOnnx } from '../onnx/export.js';
import { addGates, type Gated } from '../search/gates.js';
import { searchSpace } from '../search/space.js';
import type { Checkpoint } from './checkpoint.js';
import { constructChecked, type Construction } from './construct.js';
import { costOf, type Cost } from './cost.js';
import { debugStep, PhaseTimes } from './debug.js';
import { evaluate } from './evaluate.js';
import { testBatches } from './feed.js';
import { resolveOptions, type SearchOptions, type TrainOptions } from './options.js';
import type { Progress } from './progress.js';
import { RunDirectory, type ResumedRun, type RunConfig } from './run-directory.js';
import { Trainer, type Trained } from './trainer.js';
import { relativeDifference, type TrainedNetwork } from './verify.js';

/** Cost, and share of the test images that are classified right. */
export interface NetworkSummary extends Cost {
  readonly accuracy: number;
}

/** `summary.json`. */
export interface Summary {
  readonly supernet: NetworkSummary & {
    /**
     * When the accuracy was measured: at `selection`, before anything was erased, or at the `end`
     * of a run that erases nothing. A run that erases trains its super-network no further.
     */
    readonly measured: 'selection' | 'end';
  };
  readonly subnet: NetworkSummary;
  /** Ids of the erased segments. */
  readonly erased: readonly number[];
  /** Largest difference of any output between zeroed super-network and sub-network, on test images. */
  readonly maxDifference: number;
  /** The same relative to the largest output. */
  readonly relativeDifference: number;
  readonly seconds: number;
  readonly seed: number;
  readonly steps: number;
  readonly dataset: string;
}

/** What a search yields; `subnet` and `summary` are null where the run was stopped early. */
export interface SearchResult {
  readonly complete: boolean;
  /** The super-network with its last weights; erased groups are zero. */
  readonly supernet: TrainedNetwork;
  readonly subnet: TrainedNetwork | null;
  readonly summary: Summary | null;
}

/**
 * Trains `model`, a super-network from images to logits, on `dataset` and erases what `options.target`
 * asks for. Given a `directory`, leaves checkpoints, metrics, both networks as ONNX files and a
 * summary there.
 *
 * Throws ERR_OPTION, ERR_TARGET (with the largest possible target), ERR_SHAPE where model and images
 * do not fit, ERR_RUN for an unusable directory, ERR_DIVERGED, ERR_VERIFY. A raised `signal` rejects with
 * its reason; a raised `stop` ends after the current step or within selection, to be resumed later.
 */
export async function search(
  model: Graph,
  dataset: Dataset,
  options: SearchOptions = {},
): Promise<SearchResult> {
  const settings = resolveOptions(dataset, options);
  const gated: Gated = settings.gates ? addGates(model) : { graph: model, gates: [] };
  const { graph } = gated;
  const config = runConfig(graph, dataset, settings);
  const resumed = await resumedRun(config, options);
  const trainer = new Trainer(graph, dataset, settings, resumed?.checkpoint ?? undefined);
  try {
    // Made only now, so that a run that cannot start leaves no folder behind.
    const directory = resumed?.directory ?? (await newRun(config, options));
    try {
      const trained = await follow(trainer, graph, directory, options.onProgress);
      return await finish(gated, dataset, settings, trained, directory);
    } catch (error) {
      throw withCheckpoint(error, directory);
    }
  } finally {
    trainer.dispose();
  }
}

async function resumedRun(
  config: RunConfig,
  { directory, resume = false }: SearchOptions,
): Promise<ResumedRun | null> {
  if (!resume) return null;
  if (directory !== undefined) return RunDirectory.resume(directory, config);
  throw new HalfspaceError('ERR_OPTION', 'resume: expected a directory to resume from, got none');
}

const newRun = async (config: RunConfig, { directory }: SearchOptions): Promise<RunDirectory | null> =>
  directory === undefined ? null : RunDirectory.create(directory, config);

/** Everything that decides what a run computes, as plain JSON; the network enters by its fingerprint. */
const runConfig = (model: Graph, dataset: Dataset, settings: TrainOptions): RunConfig => ({
  network: createHash('sha256').update(print(model)).digest('hex').slice(0, 16),
  dataset: dataset.name,
  target: settings.target,
  gates: settings.gates,
  steps: settings.steps,
  batch: settings.batch,
  seed: settings.seed,
  optimizer: settings.optimizer,
  schedule: settings.schedule,
  smoothing: settings.smoothing,
  augment: settings.augment.map(({ name }) => name),
  mix: settings.mix?.name ?? null,
  warmup: settings.warmup,
  window: settings.window,
  score: settings.score,
  scoreMemory: settings.scoreMemory,
  ablation: settings.ablation,
  eraseAsYouTrain: settings.eraseAsYouTrain,
  device: settings.device,
});

/** Runs the trainer to its end; events go to the directory and to the caller. */
async function follow(
  trainer: Trainer,
  model: Graph,
  directory: RunDirectory | null,
  onProgress: SearchOptions['onProgress'],
): Promise<Trained> {
  const run = trainer.run();
  const times = new PhaseTimes();
  for (;;) {
    const { done, value } = await run.next();
    if (done) {
      times.debug();
      return value;
    }
    times.lap(value);
    debugStep(value);
    await keep(value, trainer, model, directory);
    await onProgress?.(value);
  }
}

/** A divergence, with what can be gone back to; any other error as it is. */
function withCheckpoint(error: unknown, directory: RunDirectory | null): unknown {
  if (!(error instanceof HalfspaceError) || error.code !== 'ERR_DIVERGED') return error;
  const checkpoint = directory?.existingCheckpoint() ?? null;
  const remains = checkpoint === null ? 'there is no checkpoint' : `the checkpoint ${checkpoint} remains`;
  return new HalfspaceError('ERR_DIVERGED', `${error.message}; ${remains}`, { cause: error });
}

/** What an event leaves in the directory. */
async function keep(
  event: Progress,
  trainer: Trainer,
  model: Graph,
  directory: RunDirectory | null,
): Promise<void> {
  if (!directory) return;
  await directory.record(event);
  if (event.kind === 'epoch') await directory.writeCheckpoint(model, trainer.checkpoint());
  if (event.kind === 'selection') await directory.writeSelection(model, trainer.checkpoint());
}

async function finish(
  { graph: model, gates }: Gated,
  dataset: Dataset,
  settings: TrainOptions,
  { complete, checkpoint }: Trained,
  directory: RunDirectory | null,
): Promise<SearchResult> {
  const supernet = { graph: model, weights: checkpoint.network.weights };
  await directory?.writeCheckpoint(model, checkpoint);
  await directory?.writeNetwork('super.onnx', toOnnx(model, supernet.weights));
  if (!complete) return { complete, supernet, subnet: null, summary: null };
  const { subnet, summary } = await concluded(supernet, gates, dataset, settings, checkpoint);
  const outputNames = model.outputs.map(({ name }) => name);
  await directory?.writeNetwork('sub.onnx', toOnnx(subnet.graph, subnet.weights, { outputNames }));
  await directory?.writeSummary(summary);
  return { complete, supernet, subnet, summary };
}

/** Constructs, verifies and evaluates what training left. */
async function concluded(
  supernet: TrainedNetwork,
  gates: readonly Parameter[],
  dataset: Dataset,
  settings: TrainOptions,
  { position }: Checkpoint,
): Promise<{ readonly subnet: TrainedNetwork; readonly summary: Summary }> {
  const { batch, device, open, signal } = settings;
  const inference = { batch, device, open };
  const subnet = await constructChecked(
    searchSpace(supernet.graph),
    supernet.weights,
    (position.policy.taken ?? []).map(({ group }) => group),
    { [supernet.graph.inputs[0]?.name as string]: await firstImages(dataset, batch) },
    inference,
    new Set(gates.map(({ name }) => name)),
  );
  const { accuracy } = await evaluate(subnet.graph, subnet.weights, dataset, inference, signal ?? undefined);
  return { subnet, summary: summarize(supernet, subnet, accuracy, position, settings, dataset) };
}

async function firstImages(dataset: Dataset, batch: number): Promise<Float32Array> {
  for await (const { images } of testBatches(dataset, batch)) return images;
  throw new HalfspaceError('ERR_DATA', `'${dataset.name}' has no test images`);
}

const summarize = (
  supernet: TrainedNetwork,
  subnet: Construction,
  accuracy: number,
  { accuracyAtSelection, seconds, step }: Checkpoint['position'],
  { seed }: TrainOptions,
  dataset: Dataset,
): Summary => ({
  supernet: {
    ...costOf(supernet.graph),
    accuracy: accuracyAtSelection ?? accuracy,
    measured: accuracyAtSelection === null ? 'end' : 'selection',
  },
  subnet: { ...costOf(subnet.graph), accuracy },
  erased: subnet.erased,
  maxDifference: subnet.agreement.maxDifference,
  relativeDifference: relativeDifference(subnet.agreement),
  seconds,
  seed,
  steps: step,
  dataset: dataset.name,
});
