// Parsers of option values: each says what was expected and what arrived.

import { InvalidArgumentError } from 'commander';

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

export const positiveNumber = (text: string): number =>
  parseNumber(text, 'a positive number', (value) => Number.isFinite(value) && value > 0);

export const fromZero = (text: string): number =>
  parseNumber(text, 'a number from 0', (value) => Number.isFinite(value) && value >= 0);

export const fraction = (text: string): number =>
  parseNumber(text, 'a number from 0 to 1', (value) => value >= 0 && value <= 1);

export const belowOne = (text: string): number =>
  parseNumber(text, 'a number from 0 to below 1', (value) => value >= 0 && value < 1);

/** A budget as people write it: `370000`, `0.37M`, `115M`. */
export function budget(text: string): number {
  const match = /^([0-9.]+(?:e[0-9]+)?)\s*([kMG]?)$/.exec(text.trim());
  const scale = { '': 1, k: 1e3, M: 1e6, G: 1e9 }[match?.[2] ?? ''] ?? 1;
  return match ? positiveNumber(match[1] as string) * scale : positiveNumber(text);
}

/** `0,3,5` */
export const parseIds = (text: string): readonly number[] =>
  text.trim() === '' ? [] : text.split(',').map((part) => wholeNumber(part.trim()));

/** `3,32,32` */
export function parseInput(text: string): readonly [number, number, number] {
  const sizes = text.split(/[,x]/).map((part) => positiveInteger(part));
  if (sizes.length !== 3) throw new InvalidArgumentError(`Expected C,H,W, got '${text}'.`);
  return sizes as [number, number, number];
}
