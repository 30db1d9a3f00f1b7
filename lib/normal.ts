// Standard normal numbers by the ziggurat of Marsaglia and Tsang (2000): the area below the bell is covered by
// 128 layers of one size, and nearly every number is a word of random bits, scaled to the width of a layer.
// As Doornik (2005) advises, the bits that choose a layer are not those of the place within it.

/** Where random bits come from. */
export interface RandomWords {
  /** 32 bits, as a signed integer. */
  word(): number;
}

const LAYERS = 128;

/** Where the lowest layer goes on as the tail, and the area of each layer; published for 128 of them. */
const TAIL = 3.442619855899;
const AREA = 9.91256303526217e-3;

const bell = (x: number): number => Math.exp(-0.5 * x * x);

/** Half the width of each layer, from below; that of the lowest is as if the tail were folded into it. */
const widths = layerWidths();

/** Height of the bell at each width. */
const heights = widths.map(bell);

/** The share of each width where the whole layer lies below the bell. */
const inner = widths.map((width, layer) => (widths[layer + 1] ?? 0) / width);

function layerWidths(): Float64Array {
  const result = new Float64Array(LAYERS + 1);
  result[0] = AREA / bell(TAIL);
  result[1] = TAIL;
  for (let layer = 2; layer < LAYERS; layer += 1) {
    const below = result[layer - 1] as number;
    result[layer] = Math.sqrt(-2 * Math.log(AREA / below + bell(below)));
  }
  return result;
}

export function standardNormal(source: RandomWords): number {
  for (;;) {
    const word = source.word();
    const layer = word & (LAYERS - 1);
    const share = (word >> 7) * 2 ** -24; // of the width, in [-1, 1)
    const x = share * (widths[layer] as number);
    if (Math.abs(share) < (inner[layer] as number)) return x;
    if (layer === 0) return share < 0 ? -tail(source) : tail(source);
    const floor = heights[layer] as number;
    const ceiling = heights[layer + 1] as number;
    if (floor + unit(source) * (ceiling - floor) < bell(x)) return x;
  }
}

/** A number beyond the lowest layer (Marsaglia, 1964). */
function tail(source: RandomWords): number {
  for (;;) {
    const beyond = -Math.log(1 - unit(source)) / TAIL;
    if (-2 * Math.log(1 - unit(source)) > beyond * beyond) return TAIL + beyond;
  }
}

/** Uniform in [0, 1). */
const unit = (source: RandomWords): number => (source.word() >>> 0) / 2 ** 32;
