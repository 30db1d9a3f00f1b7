// How long does search-space construction take, per built-in network and as graphs grow?

import { modelNames, buildModel } from '../lib/models/index.js';
import { Network, type Graph } from '../lib/index.js';
import { searchSpace } from '../lib/search/space.js';
import { measure, timed } from './measure.js';
import type { BenchContext, Result } from './report.js';

export async function benchAnalysis(context: BenchContext): Promise<readonly Result[]> {
  const sizes = context.short ? [1_000] : [1_000, 10_000, 100_000];
  const subjects: readonly (readonly [string, () => Graph])[] = [
    ...modelNames.map((name) => [name, () => buildModel(name)] as const),
    ...sizes.map((size) => [`${size} nodes`, () => ladder(size)] as const),
  ];
  const results: Result[] = [];
  for (const [subject, build] of subjects) {
    const name = `analysis/${subject}`;
    if (!context.selected(name)) continue;
    const graph = build();
    const [own] = await measure([timed(name, () => searchSpace(graph))], context.timing);
    results.push({ name, ours: own?.median ?? NaN, details: { nodes: graph.nodes.length } });
  }
  return results;
}

/** A residual ladder of about `size` nodes: each rung a sum of two convolution branches and a skip. */
function ladder(size: number): Graph {
  const net = new Network();
  let x = net.conv(net.input('image', [1, 3, 8, 8]), 4, { kernel: 1 });
  for (let nodes = 1; nodes < size; nodes += 6) {
    const branch = net.batchNorm(net.conv(x, 4, { kernel: 1 }));
    const other = net.batchNorm(net.conv(x, 4, { kernel: 1 }));
    x = net.relu(net.add([branch, other, x]));
  }
  return net.graph([net.linear(net.flatten(net.globalAveragePool(x)), 10)]);
}
