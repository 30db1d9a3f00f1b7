// What a file holds in another precision than the one in which networks are computed and written.

import { firstFew } from './first-few.js';
import { elementType, isFloatType, typeName, type GraphProto } from './schema.js';

const others: ReadonlyMap<number, string> = new Map(
  (['double', 'float16', 'bfloat16'] as const).map((name) => [elementType[name], name]),
);

/** What an input of integers holds that counts as one of floats. */
const integersOf = (name = '', type: number, floats: ReadonlySet<string>): string | null =>
  floats.has(name) && !isFloatType(type) ? typeName(elementType, type) : null;

/** Says which weights and inputs, `floats` of integers among them, are not in single precision; null where all are. */
export function describePrecision(
  { input, initializer }: GraphProto,
  floats: ReadonlySet<string>,
): string | null {
  const weights = initializer.map(({ name, dataType }) => ({ name, type: dataType }));
  const held = new Set(weights.map(({ name }) => name));
  const inputs = input
    .filter(({ name }) => !held.has(name))
    .map(({ name, type }) => ({ name, type: type?.tensorType?.elemType }));
  const found = [...inputs, ...weights].flatMap(({ name, type = 0 }) => {
    const precision = others.get(type) ?? integersOf(name, type, floats);
    return precision ? [`'${name}' (${precision})`] : [];
  });
  return found.length === 0
    ? null
    : `not in single precision in the file, but computed so: ${firstFew(found)}`;
}
