// The project's only source of randomness: a small counter-free generator (sfc32) that is seeded by
// splitmix32, so that a stream is a pure function of its seeds. Never `Math.random`.

import { standardNormal } from './normal.js';

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
export const random = (...seeds: readonly number[]): Random => new Stream(expand(seeds));

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

/** Its state is four fields and no array, since streams are made for every image. */
class Stream implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor([a, b, c, d]: readonly [number, number, number, number]) {
    [this.#a, this.#b, this.#c, this.#d] = [a | 0, b | 0, c | 0, d | 0];
    for (let i = 0; i < 12; i += 1) this.word();
  }

  /** 32 bits, as a signed integer. */
  word(): number {
    const sum = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum;
  }

  uniform(): number {
    return (this.word() >>> 0) / 2 ** 32;
  }

  normal(): number {
    return standardNormal(this);
  }

  below(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }
}
