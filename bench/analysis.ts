// How long does search-space construction take for the built-in networks, and how long `inspect` of an ONNX
// file as graphs grow, from starting the command to its last line? `growth` says how many times the graph
// before takes, which has a tenth of the nodes: ten is linear.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelNames, buildModel } from '../lib/models/index.js';
import { initialWeights, Network, toOnnx, type Graph } from '../lib/index.js';
import { searchSpace } from '../lib/search/space.js';
import { builtCommand } from './built.js';
import { measure, timed, type MeasureOptions } from './measure.js';
import type { BenchContext, Benchmark, Result } from './report.js';

const SIZES = [1_000, 10_000, 100_000];

export const analysis: Benchmark = {
  names: [...modelNames.map((model) => `analysis/${model}`), ...SIZES.map((size) => `inspect/${size} nodes`)],
  async *run(context) {
    yield* benchBuiltIn(context);
    yield* benchInspect(context);
  },
};

async function* benchBuiltIn(context: BenchContext): AsyncGenerator<Result> {
  for (const model of modelNames) {
    const name = `analysis/${model}`;
    if (!context.selected(name)) continue;
    const graph = buildModel(model);
    const [own] = await measure([timed(name, () => searchSpace(graph))], context.timing);
    yield { name, ours: own?.median ?? NaN, details: { nodes: graph.nodes.length } };
  }
}

async function* benchInspect(context: BenchContext): AsyncGenerator<Result> {
  const sizes = context.short ? SIZES.slice(0, 1) : SIZES;
  const timing: MeasureOptions = { rounds: 1, repetitions: context.short ? 1 : 5, warmup: 1 };
  let before: number | null = null;
  for (const size of sizes) {
    const name = `inspect/${size} nodes`;
    if (!context.selected(name)) continue;
    const ours = await timeInspect(name, ladder(size), timing);
    yield { name, ours, details: before === null ? {} : { growth: ours / before } };
    before = ours;
  }
}

/** The built command, as a user runs it. */
async function timeInspect(name: string, graph: Graph, timing: MeasureOptions): Promise<number> {
  const command = builtCommand();
  const folder = mkdtempSync(join(tmpdir(), 'halfspace-bench-'));
  try {
    const file = join(folder, 'ladder.onnx');
    writeFileSync(file, toOnnx(graph, initialWeights(graph, 0)));
    const inspect = () =>
      execFileSync(process.execPath, [command, 'inspect', file, '--json'], { maxBuffer: 2 ** 30 });
    const [own] = await measure([timed(name, inspect)], timing);
    return own?.median ?? NaN;
  } finally {
    rmSync(folder, { recursive: true });
  }
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
