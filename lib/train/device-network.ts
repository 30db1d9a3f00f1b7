// A network on a device: its training program, the session that runs it and the arenas that hold its
// parameters. Translates between names and arenas; decides nothing.

import {
  arenaLayout,
  placeWeights,
  unpackWeights,
  type ArenaLayout,
  type PlacedWeights,
} from '../compile/layout.js';
import type { Loss } from '../compile/loss.js';
import type { Program } from '../compile/program.js';
import { compileTraining } from '../compile/training.js';
import { HYPER, type Span } from '../compile/update.js';
import { invariant } from '../errors.js';
import type { Graph, Value } from '../graph.js';
import { dim } from '../shape.js';
import type { Weights } from '../weights.js';
import { debugCompiled } from './debug.js';
import { openedMeanwhile, preparedOrDisposed } from './disposal.js';
import type { NetworkState } from './network-state.js';
import { stateCount, type Optimizer } from './optimizer.js';
import { Session, type SessionOptions } from './session.js';

/** Arrays that enter or leave an entry of a program. */
export type Buffers = Readonly<Record<string, Float32Array | Float64Array | Int32Array>>;

/** What training needs of a session; `Session` is one, and so can a test's interpreter be. */
export interface SessionLike {
  /** Absent where every run is given all of its inputs. */
  stage?(entry: string, inputs: Buffers): boolean;
  run(entry: string, inputs: Buffers, options?: { readonly signal?: AbortSignal }): Promise<Buffers>;
  write(arena: string, data: Float32Array, offset?: number): void;
  read(arena: string, offset?: number, length?: number): Float32Array;
  dispose(): void;
}

export type OpenSession = (program: Program) => Promise<SessionLike>;

/**
 * Writes parameters into an arena one by one: packed first, all of them would be in memory once more. The gaps
 * between them stay as they are.
 */
export function writePlaced(
  session: Pick<SessionLike, 'write'>,
  arena: string,
  weights: readonly PlacedWeights[],
): void {
  for (const { offset, data } of weights) session.write(arena, data, offset);
}

/** Opens programs on the native engine. */
export const openNative =
  (threads?: number, options: Omit<SessionOptions, 'threads'> = {}): OpenSession =>
  (program) =>
    Session.open(program, threads === undefined ? options : { ...options, threads });

/** One batch as the programs want it; rows with label -1 are padding. */
export interface LabelledImages {
  readonly images: Float32Array; // [N, C, H, W]
  readonly labels: Int32Array; // [N]
  /** What mixing made of the labels. */
  readonly targets?: Float32Array; // [N, K]
}

export interface DeviceNetworkOptions {
  readonly batch: number;
  readonly optimizer: Optimizer;
  readonly loss: Loss | null;
  readonly smoothing: number;
  readonly softTargets: boolean;
  /** Spans of each group, given where the parameters lie. */
  readonly groups: (layout: ArenaLayout) => readonly (readonly Span[])[];
  /** Whether `probe` will be called. */
  readonly probed: boolean;
  readonly device: string;
  readonly open: OpenSession;
}

/** Mean loss over the rows that count, and how many of them are right. */
export interface Outcome {
  readonly loss: number;
  readonly correct: number;
}

/** What one training step answers; `statistics` is [groups, 6]. */
export interface StepOutcome extends Outcome {
  readonly statistics: Float64Array;
}

/** Where the parameters lie in their arena, and the spans of each group there. */
interface Placed {
  readonly layout: ArenaLayout;
  readonly groups: readonly (readonly Span[])[];
}

/** The graph on the device. Dispose of it when done; the graph itself is untouched. */
export class DeviceNetwork {
  readonly graph: Graph;
  /** Spans of each group in the parameter arena. */
  readonly groups: readonly (readonly Span[])[];
  readonly #ownLoss: boolean;
  readonly #softTargets: boolean;
  readonly #layout: ArenaLayout;
  readonly #session: SessionLike;
  readonly #states: readonly string[];
  /** What `stage` has sent ahead. */
  #staged: LabelledImages | null = null;

  private constructor(graph: Graph, placed: Placed, session: SessionLike, options: DeviceNetworkOptions) {
    this.graph = graph;
    this.groups = placed.groups;
    this.#layout = placed.layout;
    this.#ownLoss = options.loss !== null;
    this.#softTargets = options.softTargets;
    this.#session = session;
    this.#states = stateArenas.slice(0, stateCount(options.optimizer));
  }

  /**
   * Compiles the graph and opens its program, with `initial` in the arenas: asked for while the device
   * prepares on a thread of its own.
   */
  static async open(
    graph: Graph,
    initial: () => NetworkState,
    options: DeviceNetworkOptions,
  ): Promise<DeviceNetwork> {
    const layout = arenaLayout(graph);
    const groups = options.groups(layout);
    const { batch, device, loss, smoothing, softTargets, probed: probe } = options;
    const { rule, nesterov } = options.optimizer;
    const settings = { batch, device, rule, nesterov, groups, probe, loss, smoothing, softTargets };
    const compiled = compileTraining(graph, settings);
    debugCompiled(compiled);
    const [session, state] = await openedMeanwhile(options.open(compiled.program), initial);
    const network = new DeviceNetwork(graph, { layout, groups }, session, options);
    return preparedOrDisposed(network, () => network.restore(state));
  }

  /**
   * Lets the images of the batch that the next `step` takes travel to the device while the step before it is
   * computed, where the device gains by that. They are copied before this returns.
   */
  stage(batch: LabelledImages): void {
    if (this.#session.stage?.('train', this.#example(batch))) this.#staged = batch;
  }

  /** Forward, backward, update and projection. */
  async step(
    batch: LabelledImages,
    hyper: Float64Array,
    ceilings: Float64Array,
    signal?: AbortSignal,
  ): Promise<StepOutcome> {
    const example = this.#staged === batch ? {} : this.#example(batch);
    if (this.#staged === batch) this.#staged = null;
    const outputs = await this.#session.run(
      'train',
      { ...example, hyper, ceilings },
      signal ? { signal } : {},
    );
    return { ...outcome(outputs), statistics: outputs['statistics'] as Float64Array };
  }

  /** Images and what is known of them, as the training entry wants both. */
  #example(batch: LabelledImages): Buffers {
    const answers = this.#ownLoss ? this.#known(batch) : { labels: batch.targets ?? batch.labels };
    return { images: batch.images, ...answers };
  }

  /** x . gradient of the training loss for every group, with batch statistics; changes nothing. */
  async slopes(batch: LabelledImages, signal?: AbortSignal): Promise<readonly number[]> {
    const arenas = ['parameters', ...this.#states];
    const before = arenas.map((arena) => this.#session.read(arena));
    const free = new Float64Array(this.groups.length).fill(Infinity);
    // A step of length zero; whatever it does to running statistics and optimizer is taken back.
    await this.step(this.#soft(batch), new Float64Array(HYPER.length), free, signal);
    const gradients = this.#session.read('gradients');
    arenas.forEach((arena, index) => this.#session.write(arena, before[index] as Float32Array));
    return this.groups.map((spans) => spanProduct(before[0] as Float32Array, gradients, spans));
  }

  /** As the training entry wants a batch that was not mixed. */
  #soft(batch: LabelledImages): LabelledImages {
    if (!this.#softTargets || batch.targets) return batch;
    return { ...batch, targets: oneHot(batch.labels, this.#classes()) };
  }

  #classes(): number {
    return dim((this.graph.outputs[0] as Value).type.shape, 1);
  }

  /** Loss with batch statistics; changes nothing. Only where the network was opened to be probed. */
  probe(batch: LabelledImages, signal?: AbortSignal): Promise<Outcome> {
    return this.#forward('probe', batch, signal);
  }

  /** Loss with running statistics; changes nothing. */
  evaluate(batch: LabelledImages, signal?: AbortSignal): Promise<Outcome> {
    return this.#forward('eval', batch, signal);
  }

  async #forward(entry: string, batch: LabelledImages, signal?: AbortSignal): Promise<Outcome> {
    const inputs = { images: batch.images, ...this.#known(batch) };
    return outcome(await this.#session.run(entry, inputs, signal ? { signal } : {}));
  }

  /** Labels and, for a loss of the user's own, targets. */
  #known({ labels, targets }: LabelledImages): Buffers {
    if (!this.#ownLoss) return { labels };
    return { labels, targets: targets ?? oneHot(labels, this.#classes()) };
  }

  /** The parameter arena as it is now. */
  parameters(): Float32Array {
    return this.#session.read('parameters');
  }

  writeParameters(values: Float32Array): void {
    this.#session.write('parameters', values);
  }

  /** All that training has changed, by parameter name. */
  snapshot(): NetworkState {
    return {
      weights: unpackWeights(this.#layout, this.graph, this.parameters()),
      optimizer: this.#states.map((arena) =>
        unpackWeights(this.#layout, this.graph, this.#session.read(arena)),
      ),
    };
  }

  restore({ weights, optimizer }: NetworkState): void {
    const { total, trainable } = this.#layout;
    this.#place('parameters', weights, total);
    optimizer.forEach((state, index) => this.#place(stateArenas[index] as string, state, trainable));
  }

  #place(arena: string, weights: Weights, extent: number): void {
    writePlaced(this.#session, arena, placeWeights(this.#layout, this.graph, weights, extent));
  }

  dispose(): void {
    this.#session.dispose();
  }
}

/** The inner product of two arenas over the elements of one group. */
function spanProduct(a: Float32Array, b: Float32Array, spans: readonly Span[]): number {
  let sum = 0;
  for (const { offset, length, stride } of spans) {
    for (let i = offset; i < offset + length * stride; i += stride)
      sum += (a[i] as number) * (b[i] as number);
  }
  return sum;
}

/** [N] -> [N, classes]; zero in rows without a label. */
function oneHot(labels: Int32Array, classes: number): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => {
    if (label >= 0) targets[row * classes + label] = 1;
  });
  return targets;
}

const stateArenas: readonly string[] = ['state1', 'state2'];

function outcome(outputs: Buffers): Outcome {
  const loss = outputs['loss']?.[0];
  const correct = outputs['correct']?.[0];
  invariant(loss !== undefined && correct !== undefined, 'an entry answered without loss and correct');
  return { loss, correct };
}
