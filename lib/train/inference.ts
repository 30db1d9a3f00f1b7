// A network with its weights, ready to be asked. Arrays in, arrays out; no gradients.

import { compileInference } from '../compile/inference.js';
import { placeWeights } from '../compile/layout.js';
import type { Graph } from '../graph.js';
import type { Weights } from '../weights.js';
import { debugCompiled } from './debug.js';
import { chooseDevice } from './devices.js';
import { preparedOrDisposed } from './disposal.js';
import {
  openNative,
  writePlaced,
  type Buffers,
  type OpenSession,
  type SessionLike,
} from './device-network.js';

/** How a network shall be run; all of it may be left open. */
export interface InferenceOptions {
  /** Images that run at once. */
  readonly batch?: number;
  /** `cpu` unless told; `auto` takes the first GPU that can be used, or else the CPU. */
  readonly device?: string;
  /** Threads of the CPU engine; by default all cores that the process may use. */
  readonly threads?: number;
  /** @internal */
  readonly open?: OpenSession;
}

/** The same, everything decided. */
export interface InferenceSettings {
  readonly batch: number;
  readonly device: string;
  readonly open: OpenSession;
}

/** Decides what `options` leave open. */
export function inferenceSettings(options: InferenceOptions, usualBatch: number): InferenceSettings {
  const { batch = usualBatch, device = 'cpu', threads, open = openNative(threads) } = options;
  return { batch, device: chooseDevice(device).name, open };
}

/**
 * Runs a trained network forward, `batch` images at a time (one unless told), on its running statistics.
 * Dispose of it when done.
 */
export class InferenceNetwork implements Disposable {
  readonly graph: Graph;
  readonly batch: number;
  readonly #session: SessionLike;

  private constructor(graph: Graph, batch: number, session: SessionLike) {
    this.graph = graph;
    this.batch = batch;
    this.#session = session;
  }

  /** Compiles the network and makes it ready on its device; rejects where the device does not take it. */
  static async open(
    graph: Graph,
    weights: Weights,
    options: InferenceOptions = {},
  ): Promise<InferenceNetwork> {
    const { batch, device, open } = inferenceSettings(options, 1);
    const compiled = compileInference(graph, { batch, device });
    const { program, layout } = compiled;
    debugCompiled(compiled);
    const session = await preparedOrDisposed(await open(program), (opened) =>
      writePlaced(opened, 'parameters', placeWeights(layout, graph, weights)),
    );
    return new InferenceNetwork(graph, batch, session);
  }

  /** Inputs by name, whole batches, row-major; the outputs in the order of the graph's outputs. */
  async run(inputs: Buffers, signal?: AbortSignal): Promise<readonly Float32Array[]> {
    const results = await this.#session.run('infer', inputs, signal ? { signal } : {});
    return this.graph.outputs.map((output) => results[output.name] as Float32Array);
  }

  dispose(): void {
    this.#session.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
