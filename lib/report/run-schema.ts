// What the files of a run directory must hold. Throws ERR_RUN, with file and field, where they do not.

import * as z from 'zod';
import { HalfspaceError } from '../errors.js';
import type {
  EpochProgress,
  ErasureProgress,
  Progress,
  SelectingProgress,
  SelectionProgress,
  StepProgress,
} from '../train/progress.js';
import type { Summary } from '../train/search.js';

const count = z.number().int().nonnegative();
const ids = z.array(count);

/** What pages compute with; the rest of the configuration is shown as it is. */
const config = z.looseObject({
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

const selecting = z.object({
  kind: z.literal('selecting'),
  step: count,
}) satisfies z.ZodType<SelectingProgress>;

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

const progress = z.discriminatedUnion('kind', [step, selecting, selection, erasure, epoch]);

const network = z.object({ params: count, macs: z.number(), accuracy: z.number() });

const summary = z.object({
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

export const checkConfig = (value: unknown, where: string): z.infer<typeof config> =>
  check(config, value, where);

export const parseEvent = (text: string, where: string): Progress => parse(progress, text, where);

export const parseSummary = (text: string, where: string): Summary => parse(summary, text, where);

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
