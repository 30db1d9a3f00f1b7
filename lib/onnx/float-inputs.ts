// Inputs of integers that a file makes floats of before anything else, as deployed networks do with the bytes of
// images. They count as inputs of floats, which is what everything is computed in.

import { makesFloats } from '../ops/identity.js';
import { Attributes } from './attributes.js';
import { isFloatType } from './schema.js';
import { isDefaultDomain, type Source, type SourceNode } from './source.js';

/** The names of inputs, not of floats, that nothing reads but nodes that make floats of them. */
export function floatInputs(source: Source): ReadonlySet<string> {
  const { input, output } = source.graph;
  const given = new Set(output.map(({ name }) => name));
  const integers = input.filter(({ type }) => !isFloatType(type?.tensorType?.elemType ?? 0));
  const names = integers.map(({ name = '' }) => name).filter((name) => !given.has(name));
  return new Set(names.filter((name) => isMadeFloat(source.readersOf(name))));
}

const isMadeFloat = (readers: readonly SourceNode[]): boolean =>
  readers.length > 0 &&
  readers.every(
    (node) =>
      isDefaultDomain(node.proto.domain) && makesFloats(node.proto.opType ?? '', new Attributes(node)),
  );
