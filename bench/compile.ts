// How long does it take from a network to a session that can train it: the search space, the program
// (gradients, fusion, lowering), and the session (memory plan, primitives)?

import { compileTraining } from '../lib/compile/training.js';
import { arenaLayout, offsetOf } from '../lib/compile/layout.js';
import type { Graph } from '../lib/graph.js';
import { buildModel } from '../lib/models/index.js';
import { groupSpans, searchSpace } from '../lib/search/space.js';
import { Session } from '../lib/train/session.js';
import { median } from './measure.js';
import type { BenchContext, Benchmark, Result } from './report.js';

const models: Readonly<Record<string, number>> = { stackedunets: 64, 'darts-8': 16, 'darts-14': 8 };

export const compile: Benchmark = {
  names: Object.keys(models).map((model) => `compile/${model}`),
  async *run(context) {
    for (const [model, batch] of Object.entries(models)) {
      if (context.selected(`compile/${model}`)) yield await benchModel(model, batch, context);
    }
  },
};

/** Milliseconds of each part, in order. */
type Parts = Readonly<Record<string, number>>;

async function benchModel(model: string, batch: number, { timing, threads }: BenchContext): Promise<Result> {
  const runs: Parts[] = [];
  for (let round = 0; round < timing.rounds; round += 1) runs.push(await compileOnce(model, batch, threads));
  const parts = Object.keys(runs[0] as Parts);
  const medianOf = (time: (run: Parts) => number): number => median(runs.map(time));
  return {
    name: `compile/${model}`,
    ours: medianOf((run) => Object.values(run).reduce((sum, time) => sum + time, 0)),
    details: Object.fromEntries(parts.map((part) => [part, medianOf((run) => run[part] as number)])),
  };
}

/** A new graph each time: what is derived from a graph may be remembered with it. */
async function compileOnce(model: string, batch: number, threads: number): Promise<Parts> {
  const graph = buildModel(model);
  const start = performance.now();
  const groups = groupsOf(graph);
  const analysed = performance.now();
  const { program } = compileTraining(graph, { batch, rule: 'sgd', groups });
  const compiled = performance.now();
  (await Session.open(program, { threads })).dispose();
  const opened = performance.now();
  return { analysis: analysed - start, program: compiled - analysed, session: opened - compiled };
}

/** The groups of the search space as spans of the arena. */
function groupsOf(graph: Graph) {
  const { groups } = searchSpace(graph);
  const layout = arenaLayout(graph);
  return groups.map((group) => groupSpans(group, (name) => offsetOf(layout, name)));
}
