// What may be there only once. Adding to sets and maps looks a key up once, where to ask first and then add would do
// so twice: large graphs have a hundred thousand names.

/** Adds `value`; false where it was there already. */
export function addNew<T>(set: Set<T>, value: T): boolean {
  const { size } = set;
  return set.add(value).size > size;
}

/** Sets `key`; false where it was there already, and then has the new value. */
export function setNew<K, V>(map: Map<K, V>, key: K, value: V): boolean {
  const { size } = map;
  return map.set(key, value).size > size;
}

/** Adds `name`, or `name_2`, `name_3`, ... where it is taken, and says which. */
export function addUnique(taken: Set<string>, name: string): string {
  let candidate = name;
  for (let count = 2; !addNew(taken, candidate); count++) candidate = `${name}_${count}`;
  return candidate;
}

/** Each of `items` once, in order. Most lists are short, for which a set takes longer than looking. */
export function distinct<T>(items: readonly T[]): readonly T[] {
  if (items.length < 2) return items;
  if (items.length > 16) return [...new Set(items)];
  return items.filter((item, place) => items.indexOf(item) === place);
}
