// What a run that erases something knows beside the loop: the search space, when things happen, and
// how the groups are chosen.

import { invariant } from '../errors.js';
import type { Graph } from '../graph.js';
import { printSearchSpace } from '../search/print.js';
import { beginSelection, selectByScore, type Target } from '../search/selection.js';
import { searchSpace, type SearchSpace } from '../search/space.js';
import { leastHarmful, selectByAblation } from './ablation.js';
import { debug } from './debug.js';
import type { DeviceNetwork, LabelledImages } from './device-network.js';
import { ablationProbe, spanNorm, type Spans } from './groups.js';
import type { TrainOptions } from './options.js';
import { plan, type Plan, type PolicyState } from './policy.js';
import { checkedScore, score, type Score } from './scores.js';

/** Fixed for the whole run. */
export interface Pruning {
  readonly space: SearchSpace;
  readonly target: Target;
  readonly plan: Plan;
  /** What is averaged in warm-up. */
  readonly score: Score;
}

/** What is averaged where losses are measured: the choice by it is measured beside the other. */
const scoreBeside = 'cosine';

/** Null where nothing is to be erased. Throws ERR_TARGET where the target cannot be met. */
export function pruningFor(graph: Graph, options: TrainOptions): Pruning | null {
  const { target } = options;
  if (target === null) return null;
  const space = searchSpace(graph);
  debug(2, () => printSearchSpace(space));
  beginSelection(space, target);
  return { space, target, plan: plan(options.steps, options), score: averagedScore(options.score) };
}

function averagedScore(selector: TrainOptions['score']): Score {
  if (typeof selector === 'function') return checkedScore(selector);
  return score(selector === 'ablation' ? scoreBeside : selector);
}

/** What of a run's options says how groups are chosen. */
type ChoiceOptions = Pick<TrainOptions, 'score' | 'ablation' | 'signal'>;

/** How many training batches `chooseGroups` is to be given. */
export const probesFor = ({ score, ablation }: ChoiceOptions): number =>
  score === 'ablation' ? 2 * ablation.batches : 0;

/** Chooses the groups to erase. The network's parameters are as before when this is done. */
export async function chooseGroups(
  { space, target }: Pruning,
  { scores }: PolicyState,
  network: DeviceNetwork,
  probes: readonly LabelledImages[],
  { score, ablation, signal }: ChoiceOptions,
): Promise<readonly number[]> {
  const averages = space.groups.map((group) => scores[group.id] ?? 0);
  const scored = selectByScore(space, target, averages);
  if (score !== 'ablation') return scored;
  const probe = (batches: readonly LabelledImages[]) => ablationProbe(network, batches, signal ?? undefined);
  // Many choices on a few images fit those images, so whole choices are compared on others.
  const [seen, unseen] = [probe(probes.slice(0, ablation.batches)), probe(probes.slice(ablation.batches))];
  try {
    const limits = { budget: ablation.losses, rounds: mostRounds(space, target) };
    const measured = await selectByAblation(beginSelection(space, target), seen.measure, limits);
    const choices = [measured, scored].map((taken) => ({ taken }));
    return (await leastHarmful(choices, (taken) => unseen.measure.loss(taken))).taken;
  } finally {
    seen.restore();
  }
}

/** At most how many groups a target takes. */
const mostRounds = (space: SearchSpace, target: Target): number =>
  target.kind === 'count' ? target.count : space.maxRemovable;

/** ||x|| of every group of the network. */
export function groupNorms(network: DeviceNetwork): readonly number[] {
  const parameters = network.parameters();
  return network.groups.map((spans) => spanNorm(parameters, spans));
}

/** The promise of the ramp, checked on the device's own memory. */
export function requireZero(network: DeviceNetwork, groups: readonly number[]): void {
  const parameters = network.parameters();
  for (const group of groups) {
    const norm = spanNorm(parameters, network.groups[group] as Spans);
    invariant(norm === 0, `group ${group} has norm ${norm} after the window, expected 0`);
  }
}
