// What a value is made by, told by the kernel and its attributes: an operator is what it computes, whatever it is
// called. For readers of files, which look at what has been read before.

import { producer, type KernelCall, type Value } from '../graph.js';

/** The call that makes `value`; null for inputs and parameters, and behind operators that nobody knows. */
export function kernelOf(value: Value): KernelCall | null {
  const op = producer(value)?.op;
  // What is opaque has no gradient, and cannot be lowered.
  return op && op.gradient !== null ? op.lower('eval') : null;
}

/** What the maker of `value` reads. */
export const operandsOf = (value: Value): readonly Value[] => producer(value)?.inputs ?? [];

/** Whether `value` is made by one of these functions of `kernel`. */
export function isMadeBy(value: Value, kernel: string, ...functions: readonly string[]): boolean {
  const call = kernelOf(value);
  return call?.kernel === kernel && functions.includes(call.attrs['function'] as string);
}
