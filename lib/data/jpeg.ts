// JPEG files, through the addon, which decodes no more of a picture than the frame needs. Its work runs on
// the threads that Node keeps for files.

import { native } from '../train/native.js';
import type { ChooseFrame, Image } from './image.js';

/** Whether a file begins as JPEG files do. */
export const isJpeg = ([first, second, third]: Uint8Array): boolean =>
  first === 0xff && second === 0xd8 && third === 0xff;

/** Cut and scaled by `choose`; null where the colours are for printing (CMYK), which the addon does not read. */
export async function decodeJpeg(file: Uint8Array, choose: ChooseFrame): Promise<Image | null> {
  const size = native().jpegSize(file);
  if (!size) return null;
  const frame = choose(...size);
  const { outputWidth: width, outputHeight: height } = frame;
  const pixels = new Uint8Array(3 * height * width);
  await native().decodeJpeg(file, frame, pixels);
  return { channels: 3, height, width, pixels };
}
