// What a network costs, as papers count: trainable parameters, and multiply-accumulates at batch 1.

import { countParameters, imageMacs, type Graph } from '../graph.js';

/** Size of a network: trainable parameters, and multiply-accumulates at batch 1. */
export interface Cost {
  readonly params: number;
  readonly macs: number;
}

export const costOf = (graph: Graph): Cost => ({
  params: countParameters(graph),
  macs: imageMacs(graph),
});
