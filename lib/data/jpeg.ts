// JPEG files, through the addon, which decodes no more of a picture than the frame needs. Its work runs on
// the threads that Node keeps for files.

import { native, type NativePicture } from '../train/native.js';
import type { ChooseFrame, Image } from './image.js';

/** Cut and scaled by `choose`. */
export async function decodeJpeg(opened: NativePicture, choose: ChooseFrame): Promise<Image> {
  const frame = choose(opened.width, opened.height);
  const { outputWidth: width, outputHeight: height } = frame;
  const pixels = new Uint8Array(3 * height * width);
  await native().decodeJpeg(opened.picture, frame, pixels);
  return { channels: 3, height, width, pixels };
}
