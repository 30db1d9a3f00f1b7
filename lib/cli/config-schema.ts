// The settings that a config file may hold: the options of `train`, by their names in camel case, and the
// model. One definition for the check, the type and, through config-json-schema.ts, for editors.

import * as z from 'zod';
import { suggest } from '../suggest.js';
import {
  augmentationNames,
  deviceForm,
  devicePattern,
  mixNames,
  optimizerNames,
  precisionNames,
  scheduleNames,
  selectorNames,
} from './names.js';
import { budget, budgetPattern } from './options.js';

/** What arrived is added where the error is shown. */
const expected = (what: string) => ({ error: `expected ${what}` });

const text = z.string(expected('a text')).min(1, expected('a text'));
const flag = z.boolean(expected('true or false'));

function whole(least: 0 | 1) {
  const error = expected(least === 0 ? 'a whole number from 0' : 'a positive whole number');
  return z.int(error).min(least, error);
}

function number(what: string, limit: (schema: z.ZodNumber, error: { error: string }) => z.ZodNumber) {
  const error = expected(what);
  return limit(z.number(error), error);
}

const positive = number('a positive number', (schema, error) => schema.positive(error));
const fromZero = number('a number from 0', (schema, error) => schema.min(0, error));
const share = number('a number from 0 to 1', (schema, error) => schema.min(0, error).max(1, error));
const belowOne = number('a number from 0 to below 1', (schema, error) => schema.min(0, error).lt(1, error));

const numbers = z.array(z.number(expected('a number')), expected('a list of numbers'));

const expectedLimit = expected('a number, or a text such as 370k or 115M');
const limit = z
  .union(
    [z.number(expectedLimit).positive(expectedLimit), z.string().regex(budgetPattern, expectedLimit)],
    expectedLimit,
  )
  .transform((value) => (typeof value === 'string' ? budget(value) : value));

const oneOf = <const T extends string>(names: readonly T[]) =>
  z.enum(names, { error: ({ input }) => `unknown name${suggest(String(input), names)}` });

export const configSchema = z
  .strictObject({
    $schema: text,
    model: text,
    width: whole(1),
    data: text,
    dataDir: text,
    size: whole(1),
    mean: numbers,
    deviation: numbers,
    skipCorrupt: flag,
    remove: whole(1),
    sparsity: share,
    params: limit,
    macs: limit,
    epochs: whole(1),
    steps: whole(1),
    batch: whole(1),
    optimizer: oneOf(optimizerNames),
    nesterov: flag,
    lr: positive,
    schedule: oneOf(scheduleNames),
    lrWarmup: belowOne,
    weightDecay: fromZero,
    labelSmoothing: belowOne,
    augment: z.array(oneOf(augmentationNames), expected('a list of names')),
    mix: oneOf(mixNames),
    seed: whole(0),
    gates: flag,
    score: oneOf(selectorNames),
    warmup: share,
    window: share,
    rebuild: flag,
    out: text,
    tensorboard: flag,
    csv: flag,
    threads: whole(1),
    device: z.string(expected(deviceForm)).regex(devicePattern, expected(deviceForm)),
    precision: oneOf(precisionNames),
  })
  .partial();

/** What a config file says; all of it may be left out. */
export type Config = z.input<typeof configSchema>;

/** The same, checked: budgets are numbers. */
export type Settings = Omit<z.output<typeof configSchema>, '$schema'>;

export const settingNames = Object.keys(configSchema.shape).filter((name) => name !== '$schema');
