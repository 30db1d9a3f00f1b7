// The whole job in one call: train a super-network once, get back a verified sub-network.

import { createHash } from 'node:crypto';
import type { Dataset } from '../data/dataset.js';
import { HalfspaceError } from '../errors.js';
import { print, type Graph, type Parameter } from '../graph.js';
import { addGates, type Gated } from '../search/gates.js';
import { searchSpace } from '../search/space.js';
import type { Checkpoint } from './checkpoint.js';
import { constructChecked, type Construction } from './construct.js';
import { costOf, type Cost } from './cost.js';
import { debugStep, PhaseTimes } from './debug.js';
import { evaluate } from './evaluate.js';
import { testBatches, type TestOptions } from './feed.js';
import { resolveOptions, type SearchOptions, type TrainOptions } from './options.js';
import type { Progress } from './progress.js';
import { RunDirectory, type ResumedRun, type RunConfig } from './run-directory.js';
import { SearchRun, type RunControls } from './search-run.js';
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

/** What a search yields. */
export interface SearchResult {
  /** False where the run was stopped before its last step. */
  readonly complete: boolean;
  /** The super-network with its last weights; erased groups are zero. */
  readonly supernet: TrainedNetwork;
  /** Null where the run was stopped before its groups were zero. */
  readonly subnet: TrainedNetwork | null;
  /** Null where the run was stopped early. */
  readonly summary: Summary | null;
}

/**
 * Trains `model`, a super-network from images to logits, on `dataset` and erases what `options.target`
 * asks for. Given a `directory`, leaves checkpoints, metrics, both networks as ONNX files and a
 * summary there. What is returned is a promise of the result that can be followed and stopped meanwhile.
 *
 * Rejects with ERR_OPTION, ERR_TARGET (with the largest possible target), ERR_SHAPE where model and images
 * do not fit, ERR_RUN for an unusable directory, ERR_DIVERGED, ERR_VERIFY. A raised `signal` rejects with
 * its reason; `stop()`, or a raised `stop`, ends after the current step or within selection, to be resumed
 * later.
 */
export const search = (
  model: Graph,
  dataset: Dataset,
  options: SearchOptions = {},
): SearchRun<SearchResult> => new SearchRun((controls) => runSearch(model, dataset, options, controls));

async function runSearch(
  model: Graph,
  dataset: Dataset,
  options: SearchOptions,
  controls: RunControls,
): Promise<SearchResult> {
  const settings = controlled(resolveOptions(dataset, options), controls);
  const gated: Gated = settings.gates ? addGates(model) : { graph: model, gates: [] };
  const { graph } = gated;
  const config = runConfig(graph, dataset, settings);
  const resumed = await resumedRun(config, options);
  const trainer = await Trainer.open(graph, dataset, settings, resumed?.checkpoint ?? undefined);
  const tell = async (event: Progress): Promise<void> => {
    controls.publish(event);
    await options.onProgress?.(event);
  };
  try {
    // Made only now, so that a run that cannot start leaves no folder behind.
    const directory = resumed?.directory ?? (await newRun(config, options));
    try {
      const trained = await follow(trainer, graph, directory, tell);
      return await finish(gated, dataset, settings, trained, directory);
    } catch (error) {
      throw withCheckpoint(error, directory);
    }
  } finally {
    trainer.dispose();
  }
}

/** The settings, with the signals of the run beside those that the user gave. */
const controlled = (settings: TrainOptions, { signal, stop }: RunControls): TrainOptions => ({
  ...settings,
  signal: either(signal, settings.signal),
  stop: either(stop, settings.stop),
});

const either = (signal: AbortSignal, given: AbortSignal | null): AbortSignal =>
  given ? AbortSignal.any([signal, given]) : signal;

async function resumedRun(
  config: RunConfig,
  { directory, resume = false, logs = [] }: SearchOptions,
): Promise<ResumedRun | null> {
  if (directory === undefined && logs.length > 0) {
    throw new HalfspaceError(
      'ERR_OPTION',
      `logs: expected a directory to write ${logs.join(' and ')} to, got none`,
    );
  }
  if (!resume) return null;
  if (directory !== undefined) return RunDirectory.resume(directory, config, logs);
  throw new HalfspaceError('ERR_OPTION', 'resume: expected a directory to resume from, got none');
}

const newRun = async (
  config: RunConfig,
  { directory, logs = [], origin }: SearchOptions,
): Promise<RunDirectory | null> =>
  directory === undefined
    ? null
    : RunDirectory.create(directory, { ...config, ...(origin && { origin }) }, logs);

/**
 * Everything that decides what a run computes, as plain JSON; the network enters by its fingerprint, a
 * function of the user's by its name.
 */
const runConfig = (model: Graph, dataset: Dataset, settings: TrainOptions): RunConfig => ({
  network: createHash('sha256').update(print(model)).digest('hex').slice(0, 16),
  dataset: dataset.name,
  target: settings.target,
  gates: settings.gates,
  steps: settings.steps,
  batch: settings.batch,
  seed: settings.seed,
  optimizer: settings.optimizer,
  schedule: named(settings.schedule),
  loss: named(settings.loss),
  smoothing: settings.smoothing,
  augment: settings.augment.map(({ name }) => name),
  mix: settings.mix?.name ?? null,
  warmup: settings.warmup,
  window: settings.window,
  score: named(settings.score),
  scoreMemory: settings.scoreMemory,
  ablation: settings.ablation,
  eraseAsYouTrain: settings.eraseAsYouTrain,
  device: settings.device,
});

const named = (setting: unknown): unknown =>
  typeof setting === 'function' ? { function: setting.name } : setting;

/** Runs the trainer to its end; events go to the directory and to the caller. */
async function follow(
  trainer: Trainer,
  model: Graph,
  directory: RunDirectory | null,
  tell: (event: Progress) => Promise<void>,
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
    await tell(value);
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
  gated: Gated,
  dataset: Dataset,
  settings: TrainOptions,
  { complete, erasable, checkpoint }: Trained,
  directory: RunDirectory | null,
): Promise<SearchResult> {
  const { graph: model } = gated;
  const supernet = { graph: model, weights: checkpoint.network.weights };
  await directory?.writeCheckpoint(model, checkpoint);
  // Only here, since the first step need not wait for what writes files.
  const { toOnnx } = await import('../onnx/export.js');
  await directory?.writeNetwork('super.onnx', toOnnx(model, supernet.weights));
  if (!erasable) return { complete, supernet, subnet: null, summary: null };
  const subnet = await constructed(supernet, gated.gates, dataset, settings, checkpoint);
  const outputNames = model.outputs.map(({ name }) => name);
  await directory?.writeNetwork('sub.onnx', toOnnx(subnet.graph, subnet.weights, { outputNames }));
  if (!complete) return { complete, supernet, subnet, summary: null };
  const summary = await summarized(supernet, subnet, dataset, settings, checkpoint);
  await directory?.writeSummary(summary);
  return { complete, supernet, subnet, summary };
}

/** Constructs and verifies what training left. */
async function constructed(
  supernet: TrainedNetwork,
  gates: readonly Parameter[],
  dataset: Dataset,
  { batch, device, open, skipCorrupt }: TrainOptions,
  { position }: Checkpoint,
): Promise<Construction> {
  return constructChecked(
    searchSpace(supernet.graph),
    supernet.weights,
    (position.policy.taken ?? []).map(({ group }) => group),
    { [supernet.graph.inputs[0]?.name as string]: await firstImages(dataset, { batch, skipCorrupt }) },
    { batch, device, open },
    new Set(gates.map(({ name }) => name)),
  );
}

/** Evaluates it. */
async function summarized(
  supernet: TrainedNetwork,
  subnet: Construction,
  dataset: Dataset,
  settings: TrainOptions,
  { position }: Checkpoint,
): Promise<Summary> {
  const { batch, device, open, signal, skipCorrupt } = settings;
  const options = { batch, device, open, skipCorrupt };
  const { accuracy } = await evaluate(subnet.graph, subnet.weights, dataset, options, signal ?? undefined);
  return summarize(supernet, subnet, accuracy, position, settings, dataset);
}

async function firstImages(dataset: Dataset, options: TestOptions): Promise<Float32Array> {
  for await (const { images } of testBatches(dataset, options)) return images;
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
