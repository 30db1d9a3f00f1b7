// Reading whole files that people name, none of which may keep the reader waiting for ever.

import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** Opening a pipe does not wait for its other end, so that it can be seen to be none of ours. */
const OPEN = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** The most bytes that one call to the system is asked for. */
const AT_ONCE = 2 ** 30;

/** All of a file; throws what the system says, or that it is no file but a folder, a pipe or a device. */
export async function readRegularFile(path: string): Promise<Uint8Array> {
  const file = await open(path, OPEN);
  try {
    return await readOpen(file);
  } finally {
    await file.close();
  }
}

async function readOpen(file: FileHandle): Promise<Uint8Array> {
  const stat = await file.stat();
  if (!stat.isFile()) throw new Error('it is not a file');
  const bytes = new Uint8Array(stat.size);
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await file.read(bytes, done, Math.min(bytes.length - done, AT_ONCE));
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}
