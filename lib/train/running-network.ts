// The network that a run trains: the super-network, and after the window what is left of it. Seen from
// outside its state is always the super-network's, so a checkpoint means the same at any time.

import { offsetOf, type ArenaLayout } from '../compile/layout.js';
import { invariant } from '../errors.js';
import type { Graph } from '../graph.js';
import { groupSpans, type SearchSpace } from '../search/space.js';
import { constructSubnet } from '../search/subnet.js';
import { DeviceNetwork, type DeviceNetworkOptions } from './device-network.js';
import { carryState, expandState, traceOrigins, type NetworkState, type Origins } from './network-state.js';
import type { TrainOptions } from './options.js';

/** Where the elements of the sub-network that runs come from, and the super-network's state when it took over. */
interface Erasure {
  readonly origins: Origins;
  readonly outer: NetworkState;
}

/** Owns the device's memory; dispose of it when done. */
export class RunningNetwork {
  readonly #space: SearchSpace | null;
  readonly #options: TrainOptions;
  #device: DeviceNetwork;
  #erasure: Erasure | null = null;

  private constructor(space: SearchSpace | null, device: DeviceNetwork, options: TrainOptions) {
    this.#space = space;
    this.#device = device;
    this.#options = options;
  }

  /** `space` is null where nothing is to be erased: the update then knows no groups. */
  static async open(
    graph: Graph,
    space: SearchSpace | null,
    initial: () => NetworkState,
    options: TrainOptions,
  ): Promise<RunningNetwork> {
    const use = { groups: spansOf(space), probed: space !== null && options.score === 'ablation' };
    return new RunningNetwork(space, await openDevice(graph, initial, use, options), options);
  }

  /** What the device runs at the moment. */
  get device(): DeviceNetwork {
    return this.#device;
  }

  /** Goes on without groups that are zero, at the sub-network's cost. */
  async erase(groups: readonly number[]): Promise<void> {
    invariant(this.#space && !this.#erasure, 'groups are erased once, from a search space');
    const outer = this.snapshot();
    const subnet = constructSubnet(this.#space, groups);
    this.#device.dispose();
    const state = carryState(subnet, outer);
    const use = { groups: () => [], probed: false };
    this.#device = await openDevice(subnet.graph, () => state, use, this.#options);
    this.#erasure = { origins: traceOrigins(subnet, outer.weights), outer };
  }

  /** Parameters and optimizer state of the super-network; what was erased stays as it was then. */
  snapshot(): NetworkState {
    const state = this.#device.snapshot();
    return this.#erasure ? expandState(this.#erasure.origins, state, this.#erasure.outer) : state;
  }

  dispose(): void {
    this.#device.dispose();
  }
}

function openDevice(
  graph: Graph,
  initial: () => NetworkState,
  use: Pick<DeviceNetworkOptions, 'groups' | 'probed'>,
  { batch, optimizer, loss, smoothing, mix, device, open }: TrainOptions,
): Promise<DeviceNetwork> {
  const softTargets = mix !== null;
  return DeviceNetwork.open(graph, initial, {
    ...use,
    batch,
    optimizer,
    loss,
    smoothing,
    softTargets,
    device,
    open,
  });
}

/** Where the groups of a search space lie in an arena. */
const spansOf = (space: SearchSpace | null) => (layout: ArenaLayout) =>
  (space?.groups ?? []).map((group) => groupSpans(group, (name) => offsetOf(layout, name)));
