// The training loop: feeds batches, asks the policy what to do, runs steps on the device. The one
// place where graph, data, policy and device meet; each decision is made elsewhere.
//
// While the device works on one batch the next is prepared and sent to it. Everything that a step depends on is a
// function of the seed and the step, so a run that goes on from a checkpoint repeats what the
// uninterrupted one does, bit for bit.

import type { Batch } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { STATISTICS } from '../compile/update.js';
import { HalfspaceError } from '../errors.js';
import type { Graph } from '../graph.js';
import { initialWeights } from '../weights.js';
import type { Checkpoint, EpochSums, Position } from './checkpoint.js';
import { costOf } from './cost.js';
import type { StepOutcome } from './device-network.js';
import { preparedOrDisposed } from './disposal.js';
import { checkFits, measure, type Measurement } from './evaluate.js';
import { feed, probeBatches, stepsPerEpoch, type FeedOptions } from './feed.js';
import { spanSize } from './groups.js';
import { hyperVector } from './optimizer.js';
import { requireFinite, type NetworkState } from './network-state.js';
import type { TrainOptions } from './options.js';
import { ceilings, initialPolicy, observe, phaseAt, select, type PolicyState } from './policy.js';
import type {
  EpochProgress,
  ErasureProgress,
  Progress,
  SelectingProgress,
  SelectionProgress,
  StepProgress,
} from './progress.js';
import { chooseGroups, groupNorms, probesFor, pruningFor, requireZero, type Pruning } from './pruning.js';
import { RunningNetwork } from './running-network.js';
import { learningRate } from './schedule.js';
import { groupStatistics } from './scores.js';

/** How a run ended. */
export interface Trained {
  /** False where the run was stopped before its last step. */
  readonly complete: boolean;
  /** Whether all groups that are to be erased are zero. */
  readonly erasable: boolean;
  readonly checkpoint: Checkpoint;
}

const noSums: EpochSums = { loss: 0, correct: 0, images: 0 };

const start: Position = {
  step: 0,
  epoch: noSums,
  policy: initialPolicy,
  erased: false,
  accuracyAtSelection: null,
  seconds: 0,
};

/** One training run. Dispose of it when done. */
export class Trainer {
  readonly #dataset: Dataset;
  readonly #options: TrainOptions;
  readonly #feed: FeedOptions;
  readonly #stepsPerEpoch: number;
  readonly #pruning: Pruning | null;
  readonly #network: RunningNetwork;
  readonly #groupSizes: readonly number[];
  #position: Position;
  #lastLoss: number | null = null;
  #since = performance.now();

  private constructor(
    dataset: Dataset,
    options: TrainOptions,
    pruning: Pruning | null,
    network: RunningNetwork,
    position: Position,
  ) {
    this.#dataset = dataset;
    this.#options = options;
    this.#feed = feedOptions(dataset, options);
    this.#stepsPerEpoch = stepsPerEpoch(dataset, options.batch);
    this.#pruning = pruning;
    this.#network = network;
    this.#groupSizes = network.device.groups.map(spanSize);
    this.#position = position;
  }

  /** Prepares a run from its beginning, or from where `checkpoint` was taken. */
  static async open(
    graph: Graph,
    dataset: Dataset,
    options: TrainOptions,
    checkpoint?: Checkpoint,
  ): Promise<Trainer> {
    checkFits(graph, dataset);
    const pruning = pruningFor(graph, options);
    const initial = (): NetworkState =>
      checkpoint?.network ?? { weights: initialWeights(graph, options.seed), optimizer: [] };
    const network = await RunningNetwork.open(graph, pruning?.space ?? null, initial, options);
    const trainer = new Trainer(dataset, options, pruning, network, checkpoint?.position ?? start);
    return preparedOrDisposed(trainer, async () => {
      if (trainer.#position.erased) await network.erase(trainer.#takenGroups());
    });
  }

  /** Trains to the last step, or until stopped. Throws ERR_DIVERGED where the loss or a weight is no number. */
  async *run(): AsyncGenerator<Progress, Trained> {
    this.#since = performance.now();
    const source = feed(this.#feed, this.#position.step, this.#options.steps);
    try {
      yield* this.#train(source);
    } finally {
      await source.return(undefined);
    }
    const complete = this.#position.step === this.#options.steps && !this.#isEpochDue();
    if (complete) yield* this.#turningPoints();
    const checkpoint = this.checkpoint();
    requireFinite(checkpoint.network, this.#position.step);
    return { complete, erasable: this.#isErasable(), checkpoint };
  }

  /** Steps until the feed ends or the run is stopped. */
  async *#train(source: AsyncGenerator<Batch>): AsyncGenerator<Progress> {
    yield* this.#epochEnd();
    let upcoming = await source.next();
    while (!upcoming.done && !this.#isStopped()) {
      yield* this.#turningPoints();
      if (this.#isStopped()) return;
      const began = performance.now();
      const [outcome, following] = await Promise.all([this.#step(upcoming.value), this.#following(source)]);
      this.#advance(outcome, upcoming.value.count);
      yield this.#stepProgress(outcome, upcoming.value.count / (performance.now() - began));
      yield* this.#epochEnd();
      upcoming = following;
    }
  }

  /** The batch of the next step, on its way to the device. */
  async #following(source: AsyncGenerator<Batch>): Promise<IteratorResult<Batch>> {
    const following = await source.next();
    if (!following.done) this.#network.device.stage(following.value);
    return following;
  }

  #isStopped(): boolean {
    return this.#options.stop?.aborted ?? false;
  }

  #isErasable(): boolean {
    return this.#pruning === null || this.#position.step >= this.#pruning.plan.windowEnd;
  }

  /** All that the run needs to go on from here. */
  checkpoint(): Checkpoint {
    return { position: { ...this.#position, seconds: this.#seconds() }, network: this.#network.snapshot() };
  }

  dispose(): void {
    this.#network.dispose();
  }

  /** Selection and erasure, where the next step is the first after them. */
  async *#turningPoints(): AsyncGenerator<Progress> {
    const { step, policy, erased } = this.#position;
    if (!this.#pruning) return;
    if (policy.taken === null && step >= this.#pruning.plan.warmup) yield* this.#select(this.#pruning);
    if (!erased && step === this.#pruning.plan.windowEnd) yield* this.#erase();
  }

  async *#select(pruning: Pruning): AsyncGenerator<SelectingProgress | SelectionProgress> {
    yield { kind: 'selecting', step: this.#position.step };
    const selected = await this.#unlessStopped((signal) => this.#selection(pruning, signal));
    if (selected) yield selected;
  }

  /** What `work` gives; null where the run is stopped meanwhile, which leaves it to be done when the run goes on. */
  async #unlessStopped<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
    const { signal, stop } = this.#options;
    const given = [signal, stop].filter((each) => each !== null);
    try {
      return await work(AbortSignal.any(given));
    } catch (error) {
      if (signal?.aborted || !stop?.aborted || error !== stop.reason) throw error;
      return null;
    }
  }

  async #selection(pruning: Pruning, signal: AbortSignal): Promise<SelectionProgress> {
    const { policy, step } = this.#position;
    // The epoch after the last has an order and augmentations that training does not see.
    const epoch = Math.ceil(this.#options.steps / this.#stepsPerEpoch);
    const probes = await probeBatches(this.#feed, epoch, probesFor(this.#options));
    const { loss, accuracy } = await this.#test(signal);
    this.#requireFinite(loss, `at selection, after step ${step}`);
    const settings = { ...this.#options, signal };
    const groups = await chooseGroups(pruning, policy, this.#network.device, probes, settings);
    this.#position = {
      ...this.#position,
      policy: select(policy, groups, groupNorms(this.#network.device)),
      accuracyAtSelection: accuracy,
    };
    const segments = groups.flatMap((group) => pruning.space.groups[group]?.segments ?? []);
    return { kind: 'selection', step, groups, segments, scores: policy.scores, accuracy };
  }

  /** Goes on with the sub-network, at its cost; parameters and optimizer state move over. */
  async *#erase(): AsyncGenerator<ErasureProgress> {
    const taken = this.#takenGroups();
    requireZero(this.#network.device, taken);
    if (!this.#options.eraseAsYouTrain || taken.length === 0) return;
    await this.#network.erase(taken);
    this.#position = { ...this.#position, erased: true };
    yield { kind: 'erasure', step: this.#position.step, ...costOf(this.#network.device.graph) };
  }

  /** One step on the device. */
  async #step(batch: Batch): Promise<StepOutcome> {
    this.#options.signal?.throwIfAborted();
    const { step } = this.#position;
    const outcome = await this.#network.device.step(
      batch,
      hyperVector(this.#options.optimizer, this.#rate(step), step),
      this.#ceilings(step),
      this.#options.signal ?? undefined,
    );
    this.#requireFinite(outcome.loss, `in step ${step + 1}`);
    this.#lastLoss = outcome.loss;
    return outcome;
  }

  /** The last step's update may be what diverged, so the losses that are measured count as well. */
  #requireFinite(loss: number, where: string): void {
    if (!Number.isFinite(loss)) throw diverged(loss, this.#lastLoss, `${where} of ${this.#options.steps}`);
  }

  #rate(step: number): number {
    return learningRate(this.#options.schedule, step, this.#options.steps);
  }

  #ceilings(step: number): Float64Array {
    const groups = this.#network.device.groups.length;
    return this.#pruning
      ? ceilings(this.#pruning.plan, this.#position.policy, step, groups)
      : new Float64Array(groups);
  }

  /** Takes a step's outcome into the position. */
  #advance({ loss, correct, statistics }: StepOutcome, images: number): void {
    const { step, epoch, policy } = this.#position;
    this.#position = {
      ...this.#position,
      step: step + 1,
      epoch: {
        loss: epoch.loss + loss * images,
        correct: epoch.correct + correct,
        images: epoch.images + images,
      },
      policy: policy.taken === null ? this.#observed(policy, statistics) : policy,
    };
  }

  #observed(policy: PolicyState, statistics: Float64Array): PolicyState {
    if (!this.#pruning) return policy;
    const groups = groupStatistics(statistics, this.#groupSizes);
    return observe(policy, this.#pruning.score, groups, this.#options.scoreMemory);
  }

  #stepProgress({ loss, statistics }: StepOutcome, imagesPerMillisecond: number): StepProgress {
    const { step, epoch, erased } = this.#position;
    const { steps } = this.#options;
    return {
      kind: 'step',
      step,
      steps,
      epoch: Math.ceil(step / this.#stepsPerEpoch),
      epochs: Math.ceil(steps / this.#stepsPerEpoch),
      loss,
      accuracy: epoch.correct / epoch.images,
      learningRate: this.#rate(step - 1),
      phase: this.#pruning ? phaseAt(this.#pruning.plan, step - 1) : 'plain',
      zeroGroups: erased ? this.#takenGroups().length : countZeroGroups(statistics),
      imagesPerSecond: 1000 * imagesPerMillisecond,
    };
  }

  /** Whether an epoch, or the run within one, is over and has not been measured. */
  #isEpochDue(): boolean {
    const { step, epoch } = this.#position;
    return epoch.images > 0 && (step % this.#stepsPerEpoch === 0 || step === this.#options.steps);
  }

  async *#epochEnd(): AsyncGenerator<EpochProgress> {
    if (!this.#isEpochDue()) return;
    const measured = await this.#unlessStopped((signal) => this.#test(signal));
    if (measured) yield this.#endEpoch(measured);
  }

  #endEpoch({ loss, accuracy }: Measurement): EpochProgress {
    const { step, epoch } = this.#position;
    this.#requireFinite(loss, `on the test images, after step ${step}`);
    this.#position = { ...this.#position, epoch: noSums };
    return {
      kind: 'epoch',
      step,
      epoch: step / this.#stepsPerEpoch,
      trainLoss: epoch.loss / epoch.images,
      trainAccuracy: epoch.correct / epoch.images,
      testLoss: loss,
      testAccuracy: accuracy,
      seconds: this.#seconds(),
    };
  }

  #test(signal: AbortSignal): Promise<Measurement> {
    return measure(this.#network.device, this.#dataset, this.#options, signal);
  }

  #seconds(): number {
    return this.#position.seconds + (performance.now() - this.#since) / 1000;
  }

  #takenGroups(): readonly number[] {
    return (this.#position.policy.taken ?? []).map(({ group }) => group);
  }
}

/** Groups that the statistics of the last step say are zero. */
const countZeroGroups = (statistics: Float64Array): number =>
  statistics.filter((value, index) => index % STATISTICS.length === zeroColumn && value === 1).length;

const zeroColumn = STATISTICS.indexOf('zero');

function diverged(loss: number, last: number | null, where: string): HalfspaceError {
  const before = last === null ? 'no step had a finite one' : `the last finite one was ${last}`;
  return new HalfspaceError('ERR_DIVERGED', `training diverged ${where}: the loss is ${loss}, ${before}`);
}

const feedOptions = (
  dataset: Dataset,
  { batch, seed, augment, mix, skipCorrupt }: TrainOptions,
): FeedOptions => ({
  dataset,
  batch,
  seed,
  augment,
  ...(mix && { mix }),
  ...(skipCorrupt && { skipCorrupt }),
});
