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
  const next = sfc32(expand(seeds));
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
  const order = new Uint32Array(length).map((_, index) => index);
  for (let i = length - 1; i > 0; i -= 1) {
    const j = stream.below(i + 1);
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
  return order;
}

/** Four words that depend on all the seeds, in order. */
function expand(seeds: readonly number[]): readonly [number, number, number, number] {
  let hash = 0x9e3779b9;
  for (const seed of seeds) hash = mix(hash ^ mix(Math.floor(seed)) ^ mix(Math.floor(seed / 2 ** 32)));
  const first = mix(hash);
  const second = mix(first + 1);
  const third = mix(second + 2);
  return [first, second, third, mix(third + 3)];
}

function mix(value: number): number {
  let z = (value + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** A generator of 32-bit words; its state lives in locals, since streams are made for every image. */
function sfc32([first, second, third, fourth]: readonly [number, number, number, number]): () => number {
  let [a, b, c, d] = [first | 0, second | 0, third | 0, fourth | 0];
  return () => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
}
