// Options and parsers of their values: each says what was expected and what arrived.

import { suggest } from '../suggest.js';
import { deviceForm, deviceNames, devicePattern } from './names.js';
import { Argument, InvalidArgumentError, Option } from './packages.js';

/** An option whose value is one of a few names. */
export const choiceOption = (flags: string, description: string, names: readonly string[]): Option =>
  new Option(flags, description).choices(names).argParser((text) => oneOf(names, text));

/** The same for several of them, by commas, or `none`. */
export const choicesOption = (flags: string, description: string, names: readonly string[]): Option =>
  new Option(flags, description).choices([...names, 'none']).argParser((text) => severalOf(names, text));

/** A value that may be one of a few names, which help and completion show, or something else. */
export const orElse = <T extends Option | Argument>(names: readonly string[], value: T): T =>
  value.choices(names).argParser((text: string) => text) as T;

function oneOf(names: readonly string[], text: string): string {
  if (names.includes(text)) return text;
  throw new InvalidArgumentError(`unknown '${text}'${suggest(text, names)}`);
}

const severalOf = (names: readonly string[], text: string): readonly string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'none')
    .map((name) => oneOf(names, name));

function parseNumber(text: string, expected: string, accepts: (value: number) => boolean): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isNaN(value) || !accepts(value)) {
    throw new InvalidArgumentError(`Expected ${expected}, got '${text}'.`);
  }
  return value;
}

export const positiveInteger = (text: string): number =>
  parseNumber(text, 'a positive whole number', (value) => Number.isSafeInteger(value) && value > 0);

export const wholeNumber = (text: string): number =>
  parseNumber(text, 'a whole number from 0', (value) => Number.isSafeInteger(value) && value >= 0);

/** As many as the addon takes. */
export const threadCount = (text: string): number =>
  parseNumber(
    text,
    'a whole number from 1 to 1024',
    (value) => Number.isSafeInteger(value) && value > 0 && value <= 1024,
  );

export const positiveNumber = (text: string): number =>
  parseNumber(text, 'a positive number', (value) => Number.isFinite(value) && value > 0);

export const fromZero = (text: string): number =>
  parseNumber(text, 'a number from 0', (value) => Number.isFinite(value) && value >= 0);

export const fraction = (text: string): number =>
  parseNumber(text, 'a number from 0 to 1', (value) => value >= 0 && value <= 1);

export const belowOne = (text: string): number =>
  parseNumber(text, 'a number from 0 to below 1', (value) => value >= 0 && value < 1);

/** A budget as people write it: `370000`, `0.37M`, `115M`. */
export const budgetPattern = /^(\d+(?:\.\d+)?(?:e\d+)?)\s*([kMG]?)$/;

export function budget(text: string): number {
  const [, digits, unit] = budgetPattern.exec(text.trim()) ?? [];
  const scale = { '': 1, k: 1e3, M: 1e6, G: 1e9 }[unit ?? ''] ?? 1;
  return positiveNumber(digits ?? text) * scale;
}

/** `0,3,5` */
export const parseIds = (text: string): readonly number[] =>
  text.trim() === '' ? [] : text.split(',').map((part) => wholeNumber(part.trim()));

/** `0.485,0.456,0.406` */
export const parseNumbers = (text: string): readonly number[] =>
  text.split(',').map((part) => parseNumber(part, 'numbers, by commas', Number.isFinite));

/** `3,32,32` */
export function parseInput(text: string): readonly [number, number, number] {
  const sizes = text.split(/[,x]/).map((part) => positiveInteger(part));
  if (sizes.length !== 3) throw new InvalidArgumentError(`Expected C,H,W, got '${text}'.`);
  return sizes as [number, number, number];
}

/** `cpu`, `cuda:1` */
export const deviceOption = (flags: string, description: string): Option =>
  new Option(flags, description).choices(deviceNames).argParser((text: string) => {
    if (devicePattern.test(text)) return text;
    throw new InvalidArgumentError(`expected ${deviceForm}${suggest(text, deviceNames)}`);
  });

/** Without the entries that are undefined. */
export const withoutUndefined = <T extends object>(
  entries: T,
): Partial<{ [K in keyof T]: Exclude<T[K], undefined> }> =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as Partial<{
    [K in keyof T]: Exclude<T[K], undefined>;
  }>;
