// What a run directory says, read back and checked. A run may be over, stopped or still going on: whatever
// it has not written yet is missing here.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HalfspaceError } from '../errors.js';
import { fromOnnx } from '../onnx/import.js';
import { searchSpace, type SearchSpace } from '../search/space.js';
import { plan, type Plan } from '../train/policy.js';
import type {
  EpochProgress,
  ErasureProgress,
  Progress,
  SelectionProgress,
  StepProgress,
} from '../train/progress.js';
import { readConfig, type RunConfig } from '../train/run-directory.js';
import type { Summary } from '../train/search.js';

export interface RunRecord {
  readonly directory: string;
  /** What was asked for, as it was written. */
  readonly config: RunConfig;
  /** How long the run is meant to be. */
  readonly length: number;
  /** When things happen; null where nothing is to be erased. */
  readonly plan: Plan | null;
  readonly steps: readonly StepProgress[];
  readonly epochs: readonly EpochProgress[];
  /** Null until groups have been chosen. */
  readonly selection: SelectionProgress | null;
  /** Null until the program has been rebuilt without them. */
  readonly erasure: ErasureProgress | null;
  /** Null until the run is complete. */
  readonly summary: Summary | null;
  /** The search space of the super-network; null until it has been written. */
  readonly space: SearchSpace | null;
}

/** Reads the run in `directory`. Throws ERR_RUN where it holds none, or a damaged one. */
export async function readRun(directory: string): Promise<RunRecord> {
  // Checking takes a library that who only imports this one need not wait for.
  const { checkConfig, parseEvent, parseSummary } = await import('./run-schema.js');
  const config = checkConfig(await readConfig(directory), join(directory, 'config.json'));
  const [events, summary, space] = await Promise.all([
    readMetrics(join(directory, 'metrics.jsonl'), parseEvent),
    readSummary(join(directory, 'summary.json'), parseSummary),
    readSpace(join(directory, 'super.onnx')),
  ]);
  const of = <K extends Progress['kind']>(kind: K) =>
    events.filter((event): event is Extract<Progress, { kind: K }> => event.kind === kind);
  return {
    directory,
    config,
    length: config.steps,
    plan: config.target && plan(config.steps, config),
    steps: of('step'),
    epochs: of('epoch'),
    selection: of('selection').at(-1) ?? null,
    erasure: of('erasure').at(-1) ?? null,
    summary,
    space,
  };
}

/** Reads JSON of one kind; `where` is named in errors. */
type Parse<T> = (text: string, where: string) => T;

/** One event a line. The last line may be half: its run may be writing it, or have been killed. */
async function readMetrics(path: string, parse: Parse<Progress>): Promise<readonly Progress[]> {
  const text = await readIfThere(path);
  const lines = (text?.toString('utf8') ?? '').split('\n').slice(0, -1);
  return lines.map((line, index) => parse(line, `${path}, line ${index + 1}`));
}

async function readSummary(path: string, parse: Parse<Summary>): Promise<Summary | null> {
  const text = await readIfThere(path);
  return text && parse(text.toString('utf8'), path);
}

async function readSpace(path: string): Promise<SearchSpace | null> {
  const bytes = await readIfThere(path);
  if (!bytes) return null;
  try {
    return searchSpace(fromOnnx(bytes));
  } catch (cause) {
    if (!(cause instanceof HalfspaceError) || cause.code === 'ERR_INTERNAL') throw cause;
    throw new HalfspaceError('ERR_RUN', `${path}: ${cause.message}`, { cause });
  }
}

async function readIfThere(path: string): Promise<Buffer | null> {
  if (!existsSync(path)) return null;
  return readFile(path).catch((cause: unknown) => {
    throw new HalfspaceError('ERR_RUN', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  });
}
