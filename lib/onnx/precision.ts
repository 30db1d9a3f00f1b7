// What a file holds in another precision than the one in which networks are computed and written.

import { elementType, type GraphProto } from './schema.js';

const others: ReadonlyMap<number, string> = new Map(
  (['double', 'float16', 'bfloat16'] as const).map((name) => [elementType[name], name]),
);

/** Names that are not all listed. */
const mostNamed = 8;

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
  if (found.length === 0) return null;
  const more = found.length > mostNamed ? ` and ${found.length - mostNamed} more` : '';
  return `not in single precision in the file, but computed so: ${found.slice(0, mostNamed).join(', ')}${more}`;
}
