// The page of `inspect --html`: what can be erased of a network, and why not the rest.

import { countParameters, imageMacs } from '../graph.js';
import type { SearchSpace } from '../search/space.js';
import { section, page } from './page.js';
import { formatCount } from './numbers.js';
import { segmentGraph } from './segment-graph.js';
import { segmentsSection } from './segments-section.js';

/**
 * One self-contained HTML page; `model` is the name that the network goes by, `erased` are the groups that are
 * drawn as gone.
 */
export async function drawSpace(
  space: SearchSpace,
  model: string,
  erased: readonly number[] = [],
): Promise<string> {
  const { graph, segments, groups, maxRemovable } = space;
  const removable = segments.filter((segment) => segment.removable).length;
  const facts = [
    `${formatCount(countParameters(graph))} parameters`,
    `${formatCount(imageMacs(graph))} multiply-accumulates`,
    `${segments.length} segments, ${removable} removable`,
    `${groups.length} groups, at most ${maxRemovable} can go together`,
  ];
  const drawing = await segmentsSection(segmentGraph(space, erased), model);
  return page(model, facts.join(' · '), section('Segment graph', drawing));
}
