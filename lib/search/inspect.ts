// The search space as the document that `halfspace inspect --json` prints. Other tools read it: keep it
// stable.

import { countParameters, imageMacs, type Value } from '../graph.js';
import { listUnsupported, type Unsupported } from '../ops/opaque.js';
import { runs, type Group } from './groups.js';
import type { Member } from './losses.js';
import type { SearchSpace } from './space.js';

/** What `halfspace inspect --json` prints. */
export interface InspectDocument {
  readonly model: string;
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Trainable parameters. */
  readonly params: number;
  /** Multiply-accumulates at batch 1. */
  readonly macs: number;
  /** What of the network cannot run, and so cannot be trained or constructed either. */
  readonly unsupported: Unsupported;
  readonly segments: readonly {
    readonly id: number;
    readonly nodes: readonly string[];
    readonly ops: readonly string[];
    readonly next: readonly number[];
    readonly params: number;
    readonly removable: boolean;
    readonly reason: string;
  }[];
  readonly groups: readonly {
    readonly id: number;
    /** The first of the group's segments; it has more only where segments share parameters. */
    readonly segment: number;
    readonly params: number;
    /** Names; a part of a parameter is written like `bn.weight[0:16]`, axes after the first `[:,0:16]`. */
    readonly parameters: readonly string[];
  }[];
  readonly maxRemovable: number;
}

/** Describes a search space; `model` is the name that it goes by. */
export const inspectDocument = (space: SearchSpace, model: string): InspectDocument => ({
  model,
  inputs: space.graph.inputs.map(describeValue),
  outputs: space.graph.outputs.map(describeValue),
  params: countParameters(space.graph),
  macs: imageMacs(space.graph),
  unsupported: listUnsupported(space.graph),
  segments: space.segments.map(({ nodes, ...segment }) => ({
    id: segment.id,
    nodes: nodes.map((node) => node.name),
    ops: nodes.map((node) => node.op.name),
    next: segment.next,
    params: segment.params,
    removable: segment.removable,
    reason: segment.reason,
  })),
  groups: space.groups.map(describeGroup),
  maxRemovable: space.maxRemovable,
});

const describeValue = ({ name, type }: Value) => ({ name, shape: type.shape });

const describeGroup = (group: Group) => ({
  id: group.id,
  segment: group.segments[0] as number,
  params: group.params,
  parameters: group.members.map(describeMember),
});

/** A parameter, or the part of it: `bn.weight[0:16]`. */
export function describeMember({ parameter, axis, indices }: Member): string {
  if (!indices) return parameter.name;
  const ranges = runs(indices).map(([first, count]) => `${first}:${first + count}`);
  return `${parameter.name}[${':,'.repeat(axis)}${ranges.join(' ')}]`;
}
