// One image of a compressed file. Colours come out as three planes whatever the file holds: gray is
// repeated, transparency dropped, embedded colour profiles and orientation marks are not applied (the
// published data sets are used that way everywhere). Which decoder does it is decided here.

import { HalfspaceError } from '../errors.js';
import { dataError, readBytes } from './files.js';
import type { ChooseFrame, Image } from './image.js';
import { decodeJpeg, isJpeg } from './jpeg.js';
import { decodeOther } from './other-images.js';

/** The image in `path`, cut and scaled by `choose`; ERR_DATA where it cannot be decoded. */
export async function decode(path: string, choose: ChooseFrame): Promise<Image> {
  const file = await readBytes(path);
  if (file.length === 0) throw dataError(path, 'is an empty file');
  try {
    return (isJpeg(file) ? await decodeJpeg(file, choose) : null) ?? (await decodeOther(file, choose));
  } catch (cause) {
    if (cause instanceof HalfspaceError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw dataError(path, `cannot be decoded as an image (${reason})`, cause);
  }
}
