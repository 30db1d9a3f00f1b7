// The search space of a network: its segments, which of them can be removed and why the others cannot,
// and the groups that become zero together. Derived from the graph and never edited.

import { distinct } from '../collections.js';
import type { Graph, Node } from '../graph.js';
import { formGroups, type Group } from './groups.js';
import { channelLosses } from './losses.js';
import { upperBound } from './maximal.js';
import { blankConstants, countElements, reasonsAgainst } from './removable.js';
import { growSegments, lastVertex, segmentOfVertex, type Chain } from './segments.js';
import { buildSkeleton, type Skeleton } from './skeleton.js';
import { sizeOf } from './states.js';
import { traceGraph, type Trace, type Vertex } from './trace.js';
import { largeSets } from './ways.js';

export { groupSpans, type Group } from './groups.js';
export type { Member } from './losses.js';

/** A chain of nodes between joints and forks: the unit that is kept or removed. */
export interface Segment {
  /** Position in `SearchSpace.segments`: order of discovery from the inputs. */
  readonly id: number;
  readonly nodes: readonly Node[];
  /** Ids of the segments that read this one. */
  readonly next: readonly number[];
  /** Trainable elements, shared ones included. */
  readonly params: number;
  readonly removable: boolean;
  /** Why it cannot be removed; '' when it can. */
  readonly reason: string;
}

/** What of a network can be erased. */
export interface SearchSpace {
  readonly graph: Graph;
  readonly segments: readonly Segment[];
  /** One for each removable segment, or for several that share parameters. */
  readonly groups: readonly Group[];
  /** The largest number of groups known to be removable together. */
  readonly maxRemovable: number;
  /**
   * Flat tables for validity, selection and costs.
   * @internal
   */
  readonly skeleton: Skeleton;
}

/** Analyses a network; linear in its size but for channels that pass through many concatenations. */
export function searchSpace(graph: Graph): SearchSpace {
  const trace = traceGraph(graph);
  const chains = growSegments(trace);
  const losses = channelLosses(trace);
  const blank = blankConstants(trace, new Set());
  const local = reasonsAgainst(trace, chains, losses, blank);
  const grouping = formGroups(trace, chains, losses, local);
  const skeleton = buildSkeleton(trace, chains, losses, grouping);
  return {
    graph,
    segments: describeSegments(trace, chains, grouping.reasons),
    groups: grouping.groups,
    maxRemovable: largestRemoval(skeleton),
    skeleton,
  };
}

function describeSegments(
  trace: Trace,
  chains: readonly Chain[],
  reasons: readonly string[],
): readonly Segment[] {
  const owner = segmentOfVertex(trace, chains);
  return chains.map((chain, id) => ({
    id,
    nodes: chain.vertices.map((vertex) => (trace.vertices[vertex] as Vertex).node),
    next: distinct(lastVertex(trace, chain).successors.map((vertex) => owner[vertex] as number)),
    params: countElements(chain.trainable),
    removable: reasons[id] === '',
    reason: reasons[id] ?? '',
  }));
}

function largestRemoval(skeleton: Skeleton): number {
  const none = new Uint8Array(skeleton.groupCount);
  const bound = upperBound(skeleton, none);
  let most = 0;
  for (const set of largeSets(skeleton, none)) {
    most = Math.max(most, sizeOf(set));
    if (most === bound) break;
  }
  return most;
}
