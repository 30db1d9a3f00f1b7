// Groups: what becomes zero together when a segment is removed (the paper's generalised zero-invariant
// groups). A group holds all trainable parameters of its segments, closed over sharing, and the slices
// that go with the channels its segments give to concatenations. Groups never overlap.

import { distinct } from '../collections.js';
import type { Parameter } from '../graph.js';
import { dim, elements } from '../shape.js';
import type { Span } from '../compile/update.js';
import { complement, merge, type Losses, type Member } from './losses.js';
import { blankConstants, spoiler, type Blank } from './removable.js';
import { lastVertex, type Chain } from './segments.js';
import type { Trace, Vertex } from './trace.js';

/** Parameters that become zero together, or not at all (the paper's generalised zero-invariant group). */
export interface Group {
  readonly id: number;
  /** More than one only where segments share parameters. */
  readonly segments: readonly number[];
  readonly members: readonly Member[];
  /** Number of elements of all members. */
  readonly params: number;
  /** Names of the parameters that have members, each once. */
  readonly parameters: readonly string[];
}

export interface Grouping {
  readonly groups: readonly Group[];
  /** The reasons against segments, with those added that come of sharing. */
  readonly reasons: readonly string[];
  /** Which constants are zero once the group of their readers is. */
  readonly blank: Blank;
}

/** Forms groups of the segments that have no reason against them. */
export function formGroups(
  trace: Trace,
  chains: readonly Chain[],
  losses: Losses,
  reasons: readonly string[],
): Grouping {
  const components = shareComponents(chains);
  const spread = (given: readonly string[]): readonly string[] =>
    spreadReasons(trace, chains, components, given);
  const claims = chains.map((chain) => claimsOf(trace, chain, losses));
  const { refused, granted } = settleClaims({ trace, chains, components, claims, reasons: spread(reasons) });
  const final = spread(refused);
  return {
    groups: collect(chains, components, claims, final),
    reasons: final,
    blank: blankConstants(trace, granted),
  };
}

/** For each segment the first one that it is tied to by shared parameters (itself, where by none). */
function shareComponents(chains: readonly Chain[]): readonly number[] {
  const parent = chains.map((_, segment) => segment);
  const root = (segment: number): number => {
    let at = segment;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  };
  const tie = (a: number, b: number): void => {
    parent[Math.max(a, b)] = Math.min(a, b);
  };
  const seen = new Map<Parameter, number>();
  chains.forEach(({ trainable }, segment) => {
    for (const parameter of trainable) {
      const other = seen.get(parameter);
      if (other !== undefined) tie(root(other), root(segment));
      else seen.set(parameter, segment);
    }
  });
  return chains.map((_, segment) => root(segment));
}

/** A segment that shares parameters with one that stays must stay. */
function spreadReasons(
  trace: Trace,
  chains: readonly Chain[],
  components: readonly number[],
  reasons: readonly string[],
): readonly string[] {
  const staying = new Map<number, number>();
  reasons.forEach((reason, segment) => {
    const component = components[segment] as number;
    const trains = (chains[segment] as Chain).trainable.length > 0;
    if (reason !== '' && trains && !staying.has(component)) staying.set(component, segment);
  });
  return reasons.map((reason, segment) => {
    const other = staying.get(components[segment] as number);
    if (reason !== '' || other === undefined) return reason;
    const { node } = lastVertex(trace, chains[other] as Chain);
    return `it shares parameters with the segment of '${node.name}', which cannot be removed: ${reasons[other]}`;
  });
}

/** Slices that go with the channels that a segment gives to concatenations. */
function claimsOf(trace: Trace, chain: Chain, losses: Losses): readonly Member[] {
  const last = lastVertex(trace, chain);
  return last.successors.flatMap((id) => {
    const { edges } = trace.vertices[id] as Vertex;
    return (losses.get(id) ?? []).flatMap((loss, index) =>
      edges[index]?.from === last.id ? loss.members : [],
    );
  });
}

interface Claims {
  readonly trace: Trace;
  readonly chains: readonly Chain[];
  readonly components: readonly number[];
  readonly claims: readonly (readonly Member[])[];
  readonly reasons: readonly string[];
}

/**
 * A slice may lie in a parameter of another removable segment. It goes to the claimant where the other
 * still becomes zero without that parameter; else the claimant must stay.
 */
function settleClaims({ trace, chains, components, claims, reasons }: Claims): {
  refused: readonly string[];
  granted: ReadonlySet<Parameter>;
} {
  if (claims.every((members) => members.length === 0)) return { refused: reasons, granted: new Set() };
  const teams = groupBy(components);
  const holder = new Map<Parameter, number>();
  chains.forEach(({ trainable }, segment) => {
    if (reasons[segment] === '') for (const parameter of trainable) holder.set(parameter, segment);
  });
  const granted = new Set<Parameter>();
  /** Whether the holder of `parameter` can do without it; then it is granted. */
  const grant = (parameter: Parameter, owner: number): boolean => {
    if (granted.has(parameter)) return true;
    granted.add(parameter);
    const blank = blankConstants(trace, granted);
    const team = teams.get(components[owner] as number) ?? [];
    const vanishes = team.every((segment) => !spoiler(trace, chains[segment] as Chain, blank));
    if (!vanishes) granted.delete(parameter);
    return vanishes;
  };
  const refused = reasons.map((reason, segment) => {
    if (reason !== '') return reason;
    const denied = (claims[segment] ?? []).find(({ parameter }) => {
      const owner = holder.get(parameter);
      return owner !== undefined && components[owner] !== components[segment] && !grant(parameter, owner);
    });
    return denied
      ? `its channels take part of '${denied.parameter.name}' along, which another removable segment needs whole`
      : '';
  });
  return { refused, granted };
}

/** The positions of each key. */
function groupBy(keys: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const positions = new Map<number, number[]>();
  keys.forEach((key, position) => {
    const list = positions.get(key);
    if (list) list.push(position);
    else positions.set(key, [position]);
  });
  return positions;
}

function collect(
  chains: readonly Chain[],
  components: readonly number[],
  claims: readonly (readonly Member[])[],
  reasons: readonly string[],
): readonly Group[] {
  const teams = [...groupBy(components).values()].filter(([first]) => reasons[first as number] === '');
  const own = teams.map((segments) => trainableIn(chains, segments));
  const slices = teams.map((segments, team) =>
    elsewhere(
      segments.flatMap((segment) => claims[segment] ?? []),
      own[team] ?? [],
    ),
  );
  const claimed = new Map<Parameter, Member>();
  for (const member of merge(slices.flat())) claimed.set(member.parameter, member);
  return teams.map((segments, team) => {
    const left = (own[team] ?? []).flatMap((parameter) => remaining(parameter, claimed.get(parameter)));
    return makeGroup(team, segments, left.concat(slices[team] ?? []));
  });
}

/** The parameters of `segments`, each once. */
function trainableIn(chains: readonly Chain[], segments: readonly number[]): readonly Parameter[] {
  const lists = segments.map((segment) => (chains[segment] as Chain).trainable);
  return lists.length === 1 ? (lists[0] ?? []) : distinct(lists.flat());
}

/** The members that lie in other parameters than one's own. */
function elsewhere(members: readonly Member[], own: readonly Parameter[]): readonly Member[] {
  if (members.length === 0) return members;
  const mine = new Set(own);
  return merge(members.filter(({ parameter }) => !mine.has(parameter)));
}

/** A parameter of one's own, less what others claimed of it. */
function remaining(parameter: Parameter, claimed: Member | undefined): readonly Member[] {
  if (!claimed?.indices) return [{ parameter, axis: 0, indices: null }];
  const { axis, indices } = claimed;
  const rest = complement(indices, dim(parameter.type.shape, axis));
  return rest.length > 0 ? [{ parameter, axis, indices: rest }] : [];
}

const makeGroup = (id: number, segments: readonly number[], members: readonly Member[]): Group => ({
  id,
  segments,
  members,
  params: members.reduce((sum, member) => sum + memberSize(member), 0),
  parameters: distinct(members.map((member) => member.parameter.name)),
});

function memberSize({ parameter, axis, indices }: Member): number {
  const { shape } = parameter.type;
  return indices ? (elements(shape) / dim(shape, axis)) * indices.length : elements(shape);
}

/** Where a group lies in an arena in which parameter `name` starts at `offsetOf(name)`. */
export function groupSpans(group: Group, offsetOf: (parameterName: string) => number): Span[] {
  return group.members.flatMap((member) => memberSpans(member, offsetOf(member.parameter.name)));
}

function memberSpans({ parameter, axis, indices }: Member, offset: number): Span[] {
  const { shape } = parameter.type;
  if (!indices) return [{ offset, length: elements(shape), stride: 1 }];
  const inner = elements(shape.slice(axis + 1));
  const outer = elements(shape.slice(0, axis));
  const row = dim(shape, axis) * inner;
  return Array.from({ length: outer }, (_, o) => offset + o * row).flatMap((start) =>
    runs(indices).map(([first, count]) => ({
      offset: start + first * inner,
      length: count * inner,
      stride: 1,
    })),
  );
}

/** Consecutive indices as pairs of first index and count. */
export function runs(indices: readonly number[]): readonly (readonly [number, number])[] {
  const result: [number, number][] = [];
  for (const index of indices) {
    const last = result.at(-1);
    if (last && last[0] + last[1] === index) last[1] += 1;
    else result.push([index, 1]);
  }
  return result;
}
