// A checkpoint: everything a run needs to go on bit for bit, in one safetensors file. Tensors carry
// the names of the network's parameters; optimizer state stands beside them as `state1/<name>`,
// `state2/<name>`. What is not a tensor is JSON in the metadata.

import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { HalfspaceError } from '../errors.js';
import type { Graph } from '../graph.js';
import type { Weights } from '../weights.js';
import { requireFinite, type NetworkState } from './network-state.js';
import type { PolicyState } from './policy.js';
import { decodeTensors, encodeTensors, type StoredTensor } from './safetensors.js';

/** Sums over the part of an epoch that is done; they make the epoch's averages. */
export interface EpochSums {
  readonly loss: number;
  readonly correct: number;
  readonly images: number;
}

/** Where a run stands after `step` steps; plain JSON. */
export interface Position {
  readonly step: number;
  readonly epoch: EpochSums;
  readonly policy: PolicyState;
  /** Whether the running network is the sub-network already. */
  readonly erased: boolean;
  /** Accuracy of the super-network on the test split at selection, null before. */
  readonly accuracyAtSelection: number | null;
  /** Seconds of training so far, all sessions of the run together. */
  readonly seconds: number;
}

export interface Checkpoint {
  readonly position: Position;
  /** The super-network, whole; where `erased`, its zero groups are zero. */
  readonly network: NetworkState;
}

const format = 'halfspace checkpoint 1';

/**
 * Writes a checkpoint through a temporary file beside it, so that a crash leaves the old one whole. Throws
 * ERR_DIVERGED, and leaves the old one too, where there is nothing to go on from: a number that is none.
 */
export async function writeCheckpoint(path: string, graph: Graph, checkpoint: Checkpoint): Promise<void> {
  const { network, position } = checkpoint;
  requireFinite(network, position.step);
  const shapes = new Map(graph.parameters.map((parameter) => [parameter.name, parameter.type.shape]));
  const tensors = new Map<string, StoredTensor>();
  for (const [prefix, weights] of sections(network)) {
    for (const [name, data] of weights) {
      tensors.set(prefix + name, { shape: shapes.get(name) ?? [data.length], data });
    }
  }
  const metadata = { format, position: JSON.stringify(position) };
  await writeAtomically(path, encodeTensors({ tensors, metadata }));
}

const statePrefix = (index: number): string => `state${index + 1}/`;

const sections = ({ weights, optimizer }: NetworkState): readonly (readonly [string, Weights])[] => [
  ['', weights],
  ...optimizer.map((state, index) => [statePrefix(index), state] as const),
];

/** Reads a checkpoint; throws ERR_RUN where the file is missing, truncated or something else. */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = decodeTensors(await read(path), path);
  if (metadata['format'] !== format) {
    throw new HalfspaceError(
      'ERR_RUN',
      `${path}: expected a '${format}' file, found '${metadata['format'] ?? 'no format'}'`,
    );
  }
  const section = (prefix: string): Weights =>
    new Map(
      [...tensors]
        .filter(([name]) => (prefix === '' ? !/^state\d\//.test(name) : name.startsWith(prefix)))
        .map(([name, tensor]) => [name.slice(prefix.length), tensor.data]),
    );
  const optimizer = [0, 1].map((index) => section(statePrefix(index))).filter((state) => state.size > 0);
  return {
    position: JSON.parse(metadata['position'] ?? '') as Position,
    network: { weights: section(''), optimizer },
  };
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new HalfspaceError('ERR_RUN', `${path}: cannot read the checkpoint`, { cause: error });
  }
}

/** Replaces `path` in one step: readers see the old contents or the new, never half. */
export async function writeAtomically(path: string, contents: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, contents, { flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
