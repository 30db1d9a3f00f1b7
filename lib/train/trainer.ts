// The training loop: feeds batches, asks the policy what to do, runs steps on the device. The one
// place where graph, data, policy and device meet; each decision is made elsewhere.
//
// While the device works on one batch the next is prepared. Everything that a step depends on is a
// function of the seed and the step, so a run that goes on from a checkpoint repeats what the
// uninterrupted one does, bit for bit.

import { offsetOf } from '../compile/layout.js';
import type { Batch } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { STATISTICS } from '../compile/update.js';
import { HalfspaceError, invariant } from '../errors.js';
import type { Graph } from '../graph.js';
import { groupSpans } from '../search/space.js';
import { constructSubnet, type Subnet } from '../search/subnet.js';
import { initialWeights } from '../weights.js';
import type { Checkpoint, EpochSums, Position } from './checkpoint.js';
import { costOf } from './cost.js';
import { DeviceNetwork, type StepOutcome } from './device-network.js';
import { checkFits } from './evaluate.js';
import { feed, probeBatches, stepsPerEpoch, testBatches, type FeedOptions } from './feed.js';
import { spanSize } from './groups.js';
import { carryState, expandState, type NetworkState } from './network-state.js';
import { hyperVector } from './optimizer.js';
import type { TrainOptions } from './options.js';
import { ceilings, initialPolicy, observe, phaseAt, select } from './policy.js';
import type {
  EpochProgress,
  ErasureProgress,
  Progress,
  SelectionProgress,
  StepProgress,
} from './progress.js';
import { chooseGroups, groupNorms, pruningFor, requireZero, type Pruning } from './pruning.js';
import { learningRate } from './schedule.js';
import { groupStatistics } from './scores.js';

/** How a run ended. */
export interface Trained {
  /** False where the run was stopped before its last step. */
  readonly complete: boolean;
  readonly checkpoint: Checkpoint;
}

/** The running program without the erased segments, and what the super-network was when they went. */
interface Erasure {
  readonly subnet: Subnet;
  readonly outer: NetworkState;
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
  readonly #graph: Graph;
  readonly #dataset: Dataset;
  readonly #options: TrainOptions;
  readonly #stepsPerEpoch: number;
  readonly #pruning: Pruning | null;
  #network: DeviceNetwork;
  #erasure: Erasure | null = null;
  #position: Position;
  #lastLoss: number | null = null;
  #since = performance.now();

  /** Prepares a run from its beginning, or from where `checkpoint` was taken. */
  constructor(graph: Graph, dataset: Dataset, options: TrainOptions, checkpoint?: Checkpoint) {
    checkFits(graph, dataset);
    this.#graph = graph;
    this.#dataset = dataset;
    this.#options = options;
    this.#stepsPerEpoch = stepsPerEpoch(dataset, options.batch);
    this.#pruning = pruningFor(graph, options);
    this.#position = checkpoint?.position ?? start;
    const state = checkpoint?.network ?? { weights: initialWeights(graph, options.seed), optimizer: [] };
    this.#network = this.#position.erased ? this.#openSubnet(state) : this.#openSupernet(state);
  }

  /** Trains to the last step, or until stopped. Throws ERR_DIVERGED where the loss is no number. */
  async *run(): AsyncGenerator<Progress, Trained> {
    this.#since = performance.now();
    const source = feed(this.#feedOptions(), this.#position.step, this.#options.steps);
    let upcoming = await source.next();
    while (!upcoming.done && !this.#options.stop?.aborted) {
      yield* this.#turningPoints();
      const [progress, following] = await Promise.all([this.#step(upcoming.value), source.next()]);
      yield progress;
      if (this.#isEpochEnd()) yield await this.#endEpoch();
      upcoming = following;
    }
    const complete = this.#position.step === this.#options.steps;
    if (complete) yield* this.#turningPoints();
    return { complete, checkpoint: this.checkpoint() };
  }

  /** All that the run needs to go on from here. */
  checkpoint(): Checkpoint {
    const state = this.#network.snapshot();
    const network = this.#erasure
      ? expandState(this.#erasure.subnet, state, this.#erasure.outer)
      : state;
    return { position: { ...this.#position, seconds: this.#seconds() }, network };
  }

  dispose(): void {
    this.#network.dispose();
  }

  /** Selection and erasure, where the next step is the first after them. */
  async *#turningPoints(): AsyncGenerator<Progress> {
    const { step, policy, erased } = this.#position;
    if (!this.#pruning) return;
    if (policy.taken === null && step >= this.#pruning.plan.warmup) yield await this.#select(this.#pruning);
    if (!erased && step === this.#pruning.plan.windowEnd) yield* this.#erase();
  }

  async #select(pruning: Pruning): Promise<SelectionProgress> {
    const { policy, step } = this.#position;
    const { ablation, steps } = this.#options;
    // The epoch after the last has an order and augmentations that training does not see.
    const probes = await probeBatches(
      this.#feedOptions(),
      Math.ceil(steps / this.#stepsPerEpoch),
      ablation.batches,
    );
    const { accuracy } = await this.#test();
    const groups = await chooseGroups(pruning, policy, this.#network, probes, this.#options);
    this.#position = {
      ...this.#position,
      policy: select(policy, groups, groupNorms(this.#network)),
      accuracyAtSelection: accuracy,
    };
    const segments = groups.flatMap((group) => pruning.space.groups[group]?.segments ?? []);
    return { kind: 'selection', step, groups, segments, scores: policy.scores, accuracy };
  }

  /** Goes on with the sub-network, at its cost; parameters and optimizer state move over. */
  *#erase(): Generator<ErasureProgress> {
    const taken = this.#takenGroups();
    requireZero(this.#network, taken);
    if (!this.#options.eraseAsYouTrain || taken.length === 0) return;
    const state = this.#network.snapshot();
    this.#network.dispose();
    this.#network = this.#openSubnet(state);
    this.#position = { ...this.#position, erased: true };
    yield { kind: 'erasure', step: this.#position.step, ...costOf(this.#network.graph) };
  }

  /** One step on the device; the position moves on. */
  async #step(batch: Batch): Promise<StepProgress> {
    this.#options.signal?.throwIfAborted();
    const { step, policy } = this.#position;
    const rate = learningRate(this.#options.schedule, step, this.#options.steps);
    const began = performance.now();
    const outcome = await this.#network.step(
      { images: batch.images, labels: batch.targets ?? batch.labels },
      hyperVector(this.#options.optimizer, rate, step),
      this.#pruning
        ? ceilings(this.#pruning.plan, policy, step, this.#network.groups.length)
        : new Float64Array(),
      this.#options.signal ?? undefined,
    );
    this.#requireFinite(outcome.loss, step);
    this.#advance(outcome, batch.count);
    const seconds = (performance.now() - began) / 1000;
    return this.#stepProgress(outcome, rate, batch.count / seconds);
  }

  #requireFinite(loss: number, step: number): void {
    if (!Number.isFinite(loss)) {
      const last =
        this.#lastLoss === null ? 'no step had a finite one' : `the last finite one was ${this.#lastLoss}`;
      throw new HalfspaceError(
        'ERR_DIVERGED',
        `training diverged in step ${step + 1} of ${this.#options.steps}: the loss is ${loss}, ${last}`,
      );
    }
    this.#lastLoss = loss;
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
      policy:
        this.#pruning && policy.taken === null
          ? observe(
              policy,
              this.#pruning.score,
              groupStatistics(statistics, this.#network.groups.map(spanSize)),
              this.#options.scoreMemory,
            )
          : policy,
    };
  }

  #stepProgress({ loss, statistics }: StepOutcome, rate: number, imagesPerSecond: number): StepProgress {
    const { step, epoch, erased } = this.#position;
    return {
      kind: 'step',
      step,
      steps: this.#options.steps,
      epoch: Math.ceil(step / this.#stepsPerEpoch),
      epochs: Math.ceil(this.#options.steps / this.#stepsPerEpoch),
      loss,
      accuracy: epoch.correct / epoch.images,
      learningRate: rate,
      phase: this.#pruning ? phaseAt(this.#pruning.plan, step - 1) : 'plain',
      zeroGroups: erased ? this.#takenGroups().length : countZeroGroups(statistics),
      imagesPerSecond,
    };
  }

  #isEpochEnd(): boolean {
    const { step } = this.#position;
    return step % this.#stepsPerEpoch === 0 || step === this.#options.steps;
  }

  async #endEpoch(): Promise<EpochProgress> {
    const { step, epoch } = this.#position;
    const { loss, accuracy } = await this.#test();
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

  /** Mean loss and accuracy of the running network on the test split. */
  async #test(): Promise<{ readonly loss: number; readonly accuracy: number }> {
    let [loss, correct, images] = [0, 0, 0];
    for await (const batch of testBatches(this.#dataset, this.#options.batch)) {
      const outcome = await this.#network.evaluate(batch, this.#options.signal ?? undefined);
      loss += outcome.loss * batch.count;
      correct += outcome.correct;
      images += batch.count;
    }
    return { loss: loss / images, accuracy: correct / images };
  }

  #seconds(): number {
    return this.#position.seconds + (performance.now() - this.#since) / 1000;
  }

  #takenGroups(): readonly number[] {
    return (this.#position.policy.taken ?? []).map(({ group }) => group);
  }

  #feedOptions(): FeedOptions {
    const { batch, seed, augment, mix, skipCorrupt } = this.#options;
    return {
      dataset: this.#dataset,
      batch,
      seed,
      augment,
      ...(mix && { mix }),
      ...(skipCorrupt && { skipCorrupt }),
    };
  }

  #openSupernet(state: NetworkState): DeviceNetwork {
    return this.#open(this.#graph, state, this.#pruning);
  }

  #openSubnet(outer: NetworkState): DeviceNetwork {
    invariant(this.#pruning, 'a run without target has no sub-network');
    const subnet = constructSubnet(this.#pruning.space, this.#takenGroups());
    this.#erasure = { subnet, outer };
    return this.#open(subnet.graph, carryState(subnet, outer), null);
  }

  #open(graph: Graph, state: NetworkState, pruning: Pruning | null): DeviceNetwork {
    const { batch, optimizer, smoothing, mix, device, open } = this.#options;
    return new DeviceNetwork(graph, state, {
      batch,
      optimizer,
      smoothing,
      softTargets: mix !== null,
      groups: (layout) =>
        (pruning?.space.groups ?? []).map((group) => groupSpans(group, (name) => offsetOf(layout, name))),
      device,
      open,
    });
  }
}

/** Groups that the statistics of the last step say are zero. */
const countZeroGroups = (statistics: Float64Array): number =>
  statistics.filter((value, index) => index % STATISTICS.length === zeroColumn && value === 1).length;

const zeroColumn = STATISTICS.indexOf('zero');
