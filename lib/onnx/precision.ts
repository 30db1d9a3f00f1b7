// What a file holds in another precision than the one in which networks are computed and written.

import { firstFew } from './first-few.js';
import { elementType, type GraphProto } from './schema.js';

const others: ReadonlyMap<number, string> = new Map(
  (['double', 'float16', 'bfloat16'] as const).map((name) => [elementType[name], name]),
);

/** Says which inputs and weights are not in single precision; null where all are. */
export function describePrecision({ input, initializer }: GraphProto): string | null {
  const weights = initializer.map(({ name, dataType }) => ({ name, type: dataType }));
  const held = new Set(weights.map(({ name }) => name));
  const inputs = input
    .filter(({ name }) => !held.has(name))
    .map(({ name, type }) => ({ name, type: type?.tensorType?.elemType }));
  const found = [...inputs, ...weights].flatMap(({ name, type = 0 }) => {
    const precision = others.get(type);
    return precision ? [`'${name}' (${precision})`] : [];
  });
  return found.length === 0
    ? null
    : `not in single precision in the file, but computed so: ${firstFew(found)}`;
}
