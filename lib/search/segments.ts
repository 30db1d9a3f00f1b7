// The segment graph: vertices grown into chains, as in DESIGN: breadth over segments, depth inside one.
// What may be removed is decided elsewhere.

import { distinct } from '../collections.js';
import type { Parameter } from '../graph.js';
import type { Trace, Vertex } from './trace.js';

/** What one segment consists of. */
export interface Chain {
  /** Vertex ids in the order in which data flows; only the last one has exits. */
  readonly vertices: readonly number[];
  /** The trainable parameters that they read, each once, in the order in which they are met. */
  readonly trainable: readonly Parameter[];
}

/** Chains in order of discovery. Together they hold every vertex once. */
export function growSegments(trace: Trace): readonly Chain[] {
  const seen = new Uint8Array(trace.vertices.length);
  const chains: Chain[] = [];
  const starts = [...trace.sources];
  // `starts` grows while it is read; an index keeps this linear.
  for (let next = 0; next < starts.length; next += 1) {
    const start = starts[next] as number;
    if (seen[start]) continue;
    const vertices = grow(trace, start, seen);
    const chain = { vertices, trainable: trainableOf(trace, vertices) };
    chains.push(chain);
    for (const successor of lastVertex(trace, chain).successors) starts.push(successor);
  }
  return chains;
}

/**
 * grow(v): S = [v]; while not (v is a joint, or v has several successors, or its successor is a
 * joint or an output): v = successor(v); S += v. A vertex that is an output counts that as a
 * successor; one with several inputs that is no joint goes to the segment that comes first.
 */
function grow(trace: Trace, start: number, seen: Uint8Array): readonly number[] {
  const chain: number[] = [];
  let next: number | null = start;
  while (next !== null) {
    const vertex = trace.vertices[next] as Vertex;
    seen[next] = 1;
    chain.push(next);
    next = onlySuccessor(trace, vertex);
    if (next !== null && seen[next]) next = null;
  }
  return chain;
}

/** The vertex that continues the segment after `vertex`, or null where the segment ends. */
function onlySuccessor(trace: Trace, vertex: Vertex): number | null {
  if (vertex.joint || vertex.output || vertex.successors.length !== 1) return null;
  const successor = vertex.successors[0] as number;
  return (trace.vertices[successor] as Vertex).joint ? null : successor;
}

function trainableOf(trace: Trace, vertices: readonly number[]): readonly Parameter[] {
  const found: Parameter[] = [];
  for (const id of vertices) {
    for (const parameter of (trace.vertices[id] as Vertex).parameters) {
      if (parameter.trainable) found.push(parameter);
    }
  }
  return distinct(found);
}

export const lastVertex = (trace: Trace, chain: Chain): Vertex =>
  trace.vertices[chain.vertices.at(-1) as number] as Vertex;

/** The segment of each vertex. */
export function segmentOfVertex(trace: Trace, chains: readonly Chain[]): Int32Array {
  const owner = new Int32Array(trace.vertices.length).fill(-1);
  chains.forEach(({ vertices }, segment) => {
    for (const vertex of vertices) owner[vertex] = segment;
  });
  return owner;
}
