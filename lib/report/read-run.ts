// What a run directory says, read back and checked. A run may be over, stopped or still going on: whatever
// it has not written yet is missing here.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
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

const count = z.number().int().nonnegative();
const ids = z.array(count);

/** What pages compute with; the rest of the configuration is shown as it is. */
const configSchema = z.looseObject({
  steps: count.positive(),
  warmup: z.number(),
  window: z.number(),
  target: z.looseObject({ kind: z.string() }).nullable(),
});

const step = z.object({
  kind: z.literal('step'),
  step: count,
  steps: count,
  epoch: z.number(),
  epochs: z.number(),
  loss: z.number(),
  accuracy: z.number(),
  learningRate: z.number(),
  phase: z.enum(['warm-up', 'window', 'frozen', 'plain']),
  zeroGroups: count,
  imagesPerSecond: z.number(),
}) satisfies z.ZodType<StepProgress>;

const selection = z.object({
  kind: z.literal('selection'),
  step: count,
  groups: ids,
  segments: ids,
  scores: z.array(z.number()),
  accuracy: z.number(),
}) satisfies z.ZodType<SelectionProgress>;

const erasure = z.object({
  kind: z.literal('erasure'),
  step: count,
  params: count,
  macs: z.number(),
}) satisfies z.ZodType<ErasureProgress>;

const epoch = z.object({
  kind: z.literal('epoch'),
  step: count,
  epoch: z.number(),
  trainLoss: z.number(),
  trainAccuracy: z.number(),
  testLoss: z.number(),
  testAccuracy: z.number(),
  seconds: z.number(),
}) satisfies z.ZodType<EpochProgress>;

const progress = z.discriminatedUnion('kind', [step, selection, erasure, epoch]);

const network = z.object({ params: count, macs: z.number(), accuracy: z.number() });

const summarySchema = z.object({
  supernet: network.extend({ measured: z.enum(['selection', 'end']) }),
  subnet: network,
  erased: ids,
  maxDifference: z.number(),
  relativeDifference: z.number(),
  seconds: z.number(),
  seed: z.number(),
  steps: count,
  dataset: z.string(),
}) satisfies z.ZodType<Summary>;

/** Reads the run in `directory`. Throws ERR_RUN where it holds none, or a damaged one. */
export async function readRun(directory: string): Promise<RunRecord> {
  const config = check(configSchema, await readConfig(directory), join(directory, 'config.json'));
  const [events, summary, space] = await Promise.all([
    readMetrics(join(directory, 'metrics.jsonl')),
    readSummary(join(directory, 'summary.json')),
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

/** One event a line. The last line may be half: its run may be writing it, or have been killed. */
async function readMetrics(path: string): Promise<readonly Progress[]> {
  const text = await readIfThere(path);
  const lines = (text?.toString('utf8') ?? '').split('\n').slice(0, -1);
  return lines.map((line, index) => parse(progress, line, `${path}, line ${index + 1}`));
}

async function readSummary(path: string): Promise<Summary | null> {
  const text = await readIfThere(path);
  return text && parse(summarySchema, text.toString('utf8'), path);
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

const parse = <T>(schema: z.ZodType<T>, text: string, where: string): T =>
  check(schema, parseJson(text, where), where);

function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const field = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  throw new HalfspaceError('ERR_RUN', `${where} is damaged: ${field}${issue?.message}`);
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HalfspaceError('ERR_RUN', `${where} is damaged: ${(cause as Error).message}`, { cause });
  }
}
