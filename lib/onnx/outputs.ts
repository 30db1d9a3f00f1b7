// The outputs of a network that is being read. Each has a value of its own, since programs ask for outputs by
// name and a value has one: an output that is an input of the network, or that is there under another name
// already, becomes a copy.

import { addNew } from '../collections.js';
import { HalfspaceError } from '../errors.js';
import { producer, type Value } from '../graph.js';
import { sum } from '../ops/sum.js';
import type { Reading } from './context.js';
import { damaged } from './model-error.js';

/**
 * The values of the declared outputs. An input or a weight that goes by the output's name needs no copy, and an
 * output that is declared twice is one.
 */
export function outputValues(reading: Reading, names: readonly string[]): readonly Value[] {
  const given = new Set<Value>();
  const values = new Map<string, Value>();
  for (const name of new Set(names)) {
    const value = valueOf(reading, name);
    const own = producer(value) ? addNew(given, value) : value.name === name;
    values.set(name, own ? value : reading.builder.apply(sum(), [value], name));
  }
  return names.map((name) => values.get(name) as Value);
}

function valueOf(reading: Reading, name: string): Value {
  const known = reading.known.get(name) ?? damaged(`nothing in the file defines the output '${name}'`);
  if (known.kind === 'sequence') refuse(`the output '${name}' is a sequence of tensors, not a tensor`);
  if (known.kind === 'unread') refuse(`the output '${name}' ${known.why}, which is not read`);
  return known.kind === 'constant' ? reading.parameter(known.tensor, 'data') : known.value;
}

function refuse(message: string): never {
  throw new HalfspaceError('ERR_UNSUPPORTED', message);
}
