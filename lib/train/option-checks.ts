// What each option of `search` may be, one check an option: the types of SearchOptions again, for callers
// whom no compiler checks, and the ranges that types cannot say. Every refusal is ERR_OPTION and says
// where, what was expected and what arrived. No defaults here.

import { HalfspaceError } from '../errors.js';
import type { Target } from '../search/selection.js';
import { lookUp, suggest } from '../suggest.js';
import { deviceForm, devicePattern, precisionNames } from './device-names.js';
import { optimizerNames, type Optimizer } from './optimizer.js';
import type { AblationSettings, SearchOptions } from './options.js';
import { logNames } from './run-directory.js';
import { scheduleNames, type Schedule } from './schedule.js';
import { selectorNames } from './scores.js';

/** Throws unless `value` may stand at `name`. */
type Check = (value: unknown, name: string) => void;

/** A check for every field, none forgotten. */
type Checks<T> = { readonly [Field in keyof T]-?: Check };

/** Throws ERR_OPTION for a name that is no option and for a value that an option cannot have. */
export function checkOptions(options: SearchOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const check = lookUp<Check>(checks, name, 'option');
    // An option that is given as undefined counts as not given.
    if (value !== undefined) check(value, name);
  }
}

const expect =
  (what: string, holds: (value: unknown) => boolean): Check =>
  (value, name) => {
    if (holds(value)) return;
    throw new HalfspaceError('ERR_OPTION', `${name}: expected ${what}, got ${shown(value)}`);
  };

const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null ? `a ${value.constructor?.name ?? 'object'}` : String(value);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

const whole = expect('a whole number', isWhole);
const count = expect('a whole number, 0 or more', (value) => isWhole(value) && value >= 0);
const positiveWhole = expect('a positive whole number', (value) => isWhole(value) && value > 0);
const positive = expect('a positive number', (value) => isNumber(value) && value > 0);
const notNegative = expect('a number, 0 or more', (value) => isNumber(value) && value >= 0);
const fraction = expect('a number from 0 to 1', (value) => isNumber(value) && value >= 0 && value <= 1);
const belowOne = expect('a number from 0 to below 1', (value) => isNumber(value) && value >= 0 && value < 1);
const boolean = expect('true or false', (value) => typeof value === 'boolean');
const text = expect('a text', (value) => typeof value === 'string' && value !== '');
const call = expect('a function', (value) => typeof value === 'function');
const object = expect('an object', isObject);
const abortSignal = expect('an AbortSignal', (value) => value instanceof AbortSignal);

const orNull =
  (check: Check): Check =>
  (value, name) => {
    if (value !== null) check(value, name);
  };

const listOf =
  (check: Check): Check =>
  (value, name) => {
    expect('a list', Array.isArray)(value, name);
    (value as readonly unknown[]).forEach((each, index) => check(each, `${name}[${index}]`));
  };

const oneOf =
  (names: readonly string[], what: string): Check =>
  (value) => {
    if (names.includes(value as string)) return;
    throw new HalfspaceError(
      'ERR_OPTION',
      `unknown ${what} '${String(value)}'${suggest(String(value), names)}`,
    );
  };

/** An object with some of these fields and no others. */
const partOf =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value, name) => {
    object(value, name);
    for (const [field, each] of Object.entries(value as object)) {
      lookUp(fields, field, `setting of ${name}`)(each, `${name}.${field}`);
    }
  };

/** An object with all of these fields and no others. */
const exactly =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value, name) => {
    partOf(fields)(value, name);
    for (const [field, check] of Object.entries(fields)) {
      check((value as Readonly<Record<string, unknown>>)[field], `${name}.${field}`);
    }
  };

/** An object whose `kind` says which other fields it has. */
const byKind =
  (kinds: Readonly<Record<string, Readonly<Record<string, Check>>>>): Check =>
  (value, name) => {
    object(value, name);
    const { kind } = value as { readonly kind?: unknown };
    const kindCheck = oneOf(Object.keys(kinds), `${name} kind`);
    exactly({ kind: kindCheck, ...lookUp(kinds, String(kind), `${name} kind`) })(value, name);
  };

/** A function, or what `check` takes. */
const callOr =
  (check: Check): Check =>
  (value, name) => {
    if (typeof value !== 'function') check(value, name);
  };

/** A name, or what the name stands for. */
const nameOr =
  (names: readonly string[], check: Check): Check =>
  (value, name) =>
    (isObject(value) ? check : oneOf(names, name))(value, name);

const target = byKind({
  count: { count },
  fraction: { fraction },
  params: { limit: positive },
  macs: { limit: positive },
} satisfies Record<Target['kind'], object>);

const scheduled = { rate: positive, warmup: count };

const schedule = byKind({
  constant: scheduled,
  step: { ...scheduled, milestones: listOf(fraction), factor: positive },
  cosine: { ...scheduled, floor: fraction },
} satisfies Record<Schedule['kind'], object>);

const optimizer = exactly({
  rule: oneOf(optimizerNames, 'optimizer'),
  nesterov: boolean,
  momentum: belowOne,
  beta2: belowOne,
  weightDecay: notNegative,
  adamEpsilon: notNegative,
  lambda: notNegative,
  amplify: notNegative,
  hat: notNegative,
  epsilon: fraction,
} satisfies Checks<Optimizer>);

const ablation = partOf({
  batches: positiveWhole,
  losses: positiveWhole,
} satisfies Checks<AblationSettings>);

const checks = {
  target: orNull(target),
  gates: boolean,
  epochs: positiveWhole,
  steps: positiveWhole,
  batch: positiveWhole,
  seed: whole,
  optimizer: nameOr(optimizerNames, optimizer),
  schedule: callOr(nameOr(scheduleNames, schedule)),
  learningRate: positive,
  learningRateWarmup: belowOne,
  loss: orNull(call),
  smoothing: belowOne,
  augment: listOf(object),
  mix: orNull(object),
  warmup: fraction,
  window: fraction,
  score: callOr(oneOf(selectorNames, 'score')),
  scoreMemory: belowOne,
  ablation,
  eraseAsYouTrain: boolean,
  device: expect(deviceForm, (value) => devicePattern.test(String(value))),
  precision: oneOf(precisionNames, 'precision'),
  threads: positiveWhole,
  open: call,
  directory: text,
  resume: boolean,
  logs: listOf(oneOf(logNames, 'log')),
  origin: object,
  onProgress: call,
  skipCorrupt: orNull(call),
  signal: orNull(abortSignal),
  stop: orNull(abortSignal),
} satisfies Checks<SearchOptions>;
