// From a super-network with zero groups to a verified sub-network.

import { arenaLayout, offsetOf, packWeights, unpackWeights } from '../compile/layout.js';
import { HalfspaceError } from '../errors.js';
import { typesAtBatch, type Graph, type Value } from '../graph.js';
import { random } from '../random.js';
import { foldGates } from '../search/fold-gates.js';
import { setOf } from '../search/selection.js';
import { groupSpans, searchSpace, type SearchSpace } from '../search/space.js';
import { constructSubnet } from '../search/subnet.js';
import { isValid } from '../search/validity.js';
import { elements } from '../shape.js';
import { initialWeights, type Weights } from '../weights.js';
import { costOf, type Cost } from './cost.js';
import type { Buffers } from './device-network.js';
import { spanNorm, withZeros, type Spans } from './groups.js';
import { inferenceSettings, type InferenceOptions, type InferenceSettings } from './inference.js';
import { verifySubnet, type Agreement } from './verify.js';

/** A sub-network and how far it is from the super-network it was cut from. */
export interface Construction {
  readonly graph: Graph;
  readonly weights: Weights;
  /** Ids of the segments that are gone. */
  readonly erased: readonly number[];
  readonly agreement: Agreement;
}

/**
 * Cuts the erased groups, which must be zero, folds `gates` (names of parameters), and compares the outcome
 * on `inputs`; throws ERR_VERIFY.
 */
export async function constructChecked(
  space: SearchSpace,
  weights: Weights,
  erased: readonly number[],
  inputs: Buffers,
  inference: InferenceSettings,
  gates: ReadonlySet<string> = new Set(),
): Promise<Construction> {
  const cut = constructSubnet(space, erased);
  const subnet = foldGates(cut.graph, cut.carry(weights), gates);
  const agreement = await verifySubnet({ graph: space.graph, weights }, subnet, inputs, inference);
  return { ...subnet, erased: cut.erased, agreement };
}

/** What `constructVerified` answers; the summary is plain JSON. */
export interface VerifiedSubnet {
  readonly graph: Graph;
  readonly weights: Weights;
  readonly summary: {
    readonly supernet: Cost;
    readonly subnet: Cost;
    readonly erased: readonly number[];
    /** The groups that they make up. */
    readonly groups: readonly { readonly id: number; readonly segments: readonly number[] }[];
    readonly maxDifference: number;
  };
}

/** Images that are compared where the caller does not say. */
const usualBatch = 2;

/**
 * The sub-network of a network that carries its own weights (as one read from a file does). The groups
 * that are zero go; with `erase`, the groups of these ids are set to zero first. Both networks are
 * run on random images. Throws ERR_OPTION for an id that is no group's, ERR_VERIFY.
 */
export async function constructVerified(
  graph: Graph,
  erase: readonly number[] = [],
  options: InferenceOptions = {},
): Promise<VerifiedSubnet> {
  const inference = inferenceSettings(options, usualBatch);
  const space = searchSpace(graph);
  for (const id of erase) requireGroup(space, id);
  const { weights, zero } = withoutGroups(space, initialWeights(graph, 0), erase);
  const result = await constructChecked(
    space,
    weights,
    zero,
    randomInputs(graph, inference.batch),
    inference,
  );
  return {
    graph: result.graph,
    weights: result.weights,
    summary: {
      supernet: costOf(graph),
      subnet: costOf(result.graph),
      erased: result.erased,
      groups: zero.map((id) => ({ id, segments: space.groups[id]?.segments ?? [] })),
      maxDifference: result.agreement.maxDifference,
    },
  };
}

/**
 * Ids of the groups that are zero in a network that carries its own weights: what `constructVerified` would
 * erase. None where they cannot go together.
 */
export function zeroGroups(space: SearchSpace): readonly number[] {
  if (!space.graph.parameters.some(({ init }) => init.kind === 'data')) return [];
  const { zero } = withoutGroups(space, initialWeights(space.graph, 0), []);
  return isValid(space.skeleton, setOf(space, zero)) ? zero : [];
}

function requireGroup({ groups }: SearchSpace, id: number): void {
  if (groups.some((group) => group.id === id)) return;
  const known = groups.length === 0 ? 'no groups' : `groups 0 to ${groups.length - 1}`;
  throw new HalfspaceError('ERR_OPTION', `there is no group ${id}: this network has ${known}`);
}

/** The weights with some groups at zero, and the ids of all groups that are zero then. */
function withoutGroups(
  { graph, groups }: SearchSpace,
  weights: Weights,
  erase: readonly number[],
): { readonly weights: Weights; readonly zero: readonly number[] } {
  const layout = arenaLayout(graph);
  const spans = groups.map((group) => groupSpans(group, (name) => offsetOf(layout, name)));
  const arena = withZeros(
    packWeights(layout, graph, weights),
    erase.map((id) => spans[id] as Spans),
  );
  const zero = groups.filter(({ id }) => spanNorm(arena, spans[id] as Spans) === 0).map(({ id }) => id);
  return { weights: unpackWeights(layout, graph, arena), zero };
}

/** Standard normal numbers for every input, always the same ones; whole ones where it holds integers. */
const randomInputs = (graph: Graph, batch: number): Buffers =>
  Object.fromEntries(
    typesAtBatch(graph.inputs, batch).map(({ dtype, shape }, index) => {
      const stream = random(0, index);
      const values = Float32Array.from({ length: elements(shape) }, () => stream.normal());
      return [(graph.inputs[index] as Value).name, dtype === 'i32' ? Int32Array.from(values) : values];
    }),
  );
