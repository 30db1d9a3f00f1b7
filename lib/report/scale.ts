// From values to positions on a chart, and which values to write on its axes.

export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  position(value: number): number;
}

/** Maps [low, high] to pixels [start, end]; with `snap`, widened to whole ticks first. */
export function linearScale(
  [low, high]: readonly [number, number],
  [start, end]: readonly [number, number],
  { count = 4, snap = true }: { readonly count?: number; readonly snap?: boolean } = {},
): Scale {
  const step = tickStep(high - low || Math.abs(high) || 1, count);
  const from = snap ? Math.floor(low / step + 1e-9) * step : low;
  const to = snap ? Math.max(Math.ceil(high / step - 1e-9) * step, from + step) : high;
  const position = (value: number): number => start + ((value - from) / (to - from || 1)) * (end - start);
  return { from, to, ticks: ticksBetween(from, to, step), position };
}

/** The 1, 2 or 5 times a power of ten that divides `span` into about `count` parts. */
function tickStep(span: number, count: number): number {
  const power = 10 ** Math.floor(Math.log10(span / count));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power * count >= span * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function ticksBetween(from: number, to: number, step: number): readonly number[] {
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  // Rounding takes away what multiplication adds: 3 * 0.1 is not 0.3.
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

export function extent(values: readonly number[]): readonly [number, number] {
  const finite = values.filter((value) => Number.isFinite(value));
  if (finite.length === 0) return [0, 1];
  return finite.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}
