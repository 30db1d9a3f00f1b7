// One image of a compressed file. Colours come out as three planes whatever the file holds: gray is
// repeated, transparency dropped, embedded colour profiles and orientation marks are not applied (the
// published data sets are used that way everywhere). Which decoder does it is decided here.

import { native } from '../train/native.js';
import { dataError } from './files.js';
import type { ChooseFrame, Image } from './image.js';
import { decodeJpeg } from './jpeg.js';
import { decodeOther } from './other-images.js';

/** The image in `path`, cut and scaled by `choose`; ERR_DATA where it cannot be decoded. */
export async function decode(path: string, choose: ChooseFrame): Promise<Image> {
  try {
    const opened = await native().openImage(path);
    return await (opened instanceof Uint8Array ? decodeOther(opened, choose) : decodeJpeg(opened, choose));
  } catch (cause) {
    const { code, message } = cause as { readonly code?: string; readonly message: string };
    if (code !== 'ERR_DATA') throw cause;
    throw dataError(path, message, cause);
  }
}
