// Timing for all benchmarks: warm up, repeat, report the median. Contenders take turns within one run,
// so that a noisy machine is noisy for all of them.

/** Something timed: one call is one repetition; the result is milliseconds for each. */
export interface Contender {
  readonly name: string;
  /** Runs `count` repetitions and returns their times in milliseconds. */
  run(count: number): Promise<readonly number[]>;
}

export interface Measurement {
  readonly name: string;
  readonly median: number;
  readonly fastest: number;
}

export interface MeasureOptions {
  readonly rounds: number;
  readonly repetitions: number;
  readonly warmup: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** Times the contenders in alternating rounds. */
export async function measure(
  contenders: readonly Contender[],
  options: MeasureOptions,
): Promise<readonly Measurement[]> {
  const times = contenders.map((): number[] => []);
  for (const contender of contenders) await contender.run(options.warmup);
  for (let round = 0; round < options.rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      times[index]?.push(...(await contender.run(options.repetitions)));
    }
  }
  return contenders.map(({ name }, index) => {
    const all = times[index] as number[];
    return { name, median: median(all), fastest: Math.min(...all) };
  });
}

/** Times an asynchronous function of our own. */
export const timed = (name: string, body: () => unknown): Contender => ({
  name,
  async run(count) {
    const times: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const start = performance.now();
      await body();
      times.push(performance.now() - start);
    }
    return times;
  },
});
