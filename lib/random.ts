// The project's only source of randomness: a small counter-free generator (sfc32) that is seeded by
// splitmix32, so that a stream is a pure function of its seeds. Never `Math.random`.

/** A deterministic stream of random numbers. */
export interface Random {
  /** Uniform in [0, 1), 32 bits of it. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
}

/** A stream that depends on all the seeds, in order: `random(seed, epoch, index)`. */
export function random(...seeds: readonly number[]): Random {
  const state = expand(seeds);
  const next = (): number => sfc32(state);
  for (let i = 0; i < 12; i += 1) next();
  const uniform = (): number => next() / 2 ** 32;
  return {
    uniform,
    below: (bound) => Math.floor(uniform() * bound),
    // Box-Muller; 1 - u keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}

/** A shuffled copy of 0 ... length - 1 (Fisher-Yates). */
export function permutation(length: number, stream: Random): Uint32Array {
  const order = Uint32Array.from({ length }, (_, index) => index);
  for (let i = length - 1; i > 0; i -= 1) {
    const j = stream.below(i + 1);
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
  return order;
}

function expand(seeds: readonly number[]): Uint32Array {
  let hash = 0x9e3779b9;
  for (const seed of seeds) hash = mix(hash ^ mix(Math.floor(seed)) ^ mix(Math.floor(seed / 2 ** 32)));
  return Uint32Array.from({ length: 4 }, (_, index) => (hash = mix(hash + index)));
}

function mix(value: number): number {
  let z = (value + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

function sfc32(state: Uint32Array): number {
  const [a, b, c, d] = state as unknown as [number, number, number, number];
  const sum = (a + b + d) >>> 0;
  state[3] = d + 1;
  state[0] = b ^ (b >>> 9);
  state[1] = c + (c << 3);
  state[2] = ((c << 21) | (c >>> 11)) + sum;
  return sum;
}
