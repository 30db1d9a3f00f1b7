// What every data set is, however its files look: two splits of labelled 8-bit images, the
// constants that normalise them and the augmentations usually trained with.

import type { Augmentation } from './augment.js';
import type { ChooseFrame, Image } from './image.js';

/** Per channel, of pixels scaled to 0..1: networks see `(pixel / 255 - mean) / deviation`. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Labelled images, addressed by index; reading one never changes the split. */
export interface Split {
  readonly length: number;
  /** Index into the data set's classes, one per image. */
  readonly labels: Int32Array;
  /** [C, H, W] of every image that is read without a frame. */
  readonly shape: readonly [number, number, number];
  /**
   * One image, cut and scaled by `choose` where given. Splits in memory answer at once, files
   * answer with a promise; a file that cannot be decoded rejects with ERR_DATA.
   */
  image(index: number, choose?: ChooseFrame): Image | Promise<Image>;
}

/** A data set ready for training. */
export interface Dataset extends Normalization {
  readonly name: string;
  readonly classes: readonly string[];
  /** [C, H, W] as networks see it. */
  readonly shape: readonly [number, number, number];
  readonly train: Split;
  readonly test: Split;
  /** Augmentations of the customary recipe; `test` is what evaluation does. */
  readonly augment: { readonly train: readonly Augmentation[]; readonly test: readonly Augmentation[] };
}
