// How operators and names are written where there is little room, on pages and in the terminal.

/** A text of at most `length` letters, an even number; a longer one loses its middle. */
export const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length / 2)}…${text.slice(1 - length / 2)}`;

/**
 * The longest path that names of every list begin with, such as `cell0.edge1` of `cell0.edge1.conv` and
 * `cell0.edge1.pool`; '' where there is none. Lists may hold other names besides.
 */
export function commonPath(lists: readonly (readonly string[])[]): string {
  const [first = new Set<string>(), ...others] = lists.map((names) => new Set(names.flatMap(pathsOf)));
  const common = [...first].filter((path) => others.every((paths) => paths.has(path)));
  return common.reduce((longest, path) => (path.length > longest.length ? path : longest), '');
}

/** `a` and `a.b` of `a.b.c`; exporters write slashes for dots. */
const pathsOf = (name: string): readonly string[] =>
  Array.from(name.matchAll(/(?<=.)[./]/g), ({ index }) => name.slice(0, index));

/** `Conv BatchNorm Relu`; what repeats is written once: `Conv ×2 Relu`, `(Relu Conv) ×3`. */
export function collapse(names: readonly string[]): string {
  const period = periodOf(names);
  const once = collapseRuns(names.slice(0, period));
  const times = names.length / period;
  if (times === 1) return once;
  return period === 1 ? `${once} ×${times}` : `(${once}) ×${times}`;
}

/** Length of the shortest sequence whose repetition gives `names`. */
function periodOf(names: readonly string[]): number {
  const repeats = (period: number): boolean =>
    names.length % period === 0 && names.every((name, index) => name === names[index % period]);
  let period = 1;
  while (!repeats(period)) period += 1;
  return period;
}

function collapseRuns(names: readonly string[]): string {
  const runs: { name: string; count: number }[] = [];
  for (const name of names) {
    const last = runs.at(-1);
    if (last?.name === name) last.count += 1;
    else runs.push({ name, count: 1 });
  }
  return runs.map(({ name, count }) => (count === 1 ? name : `${name} ×${count}`)).join(' ');
}
