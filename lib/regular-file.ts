// Reading files that people name, or their models, none of which may keep the reader waiting for ever.

import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
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
  const bytes = new Uint8Array(sizeOf(await file.stat()));
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await file.read(bytes, done, Math.min(bytes.length - done, AT_ONCE));
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}

/** So many bytes of a file from `offset` on; throws likewise, or that it does not have them. */
export function readRangeSync(path: string, offset: number, length: number): Uint8Array {
  const file = openSync(path, OPEN);
  try {
    const size = sizeOf(fstatSync(file));
    if (offset + length > size) throw new Error(`it has ${size} bytes but ${offset} + ${length} are read`);
    return fill(file, new Uint8Array(length), offset);
  } finally {
    closeSync(file);
  }
}

function fill(file: number, bytes: Uint8Array, offset: number): Uint8Array {
  for (let done = 0; done < bytes.length;) {
    const read = readSync(file, bytes, done, Math.min(bytes.length - done, AT_ONCE), offset + done);
    if (read === 0) throw new Error('it ended while it was read');
    done += read;
  }
  return bytes;
}

function sizeOf(stats: Stats): number {
  if (stats.isFile()) return stats.size;
  throw new Error('it is not a file');
}
