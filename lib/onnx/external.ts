// Contents that a model keeps in files beside it. Only regular paths inside the given folder are opened,
// and sizes are compared with the file's before anything is allocated.

import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { formatShape } from '../shape.js';
import { damaged } from './model-error.js';
import type { TensorProto } from './schema.js';

/** The bytes of a tensor that lie in a file below `directory`; nothing outside of it is opened. */
export function readExternal(
  tensor: TensorProto,
  name: string,
  bytes: number,
  directory: string | null,
): Uint8Array {
  const entries = new Map(tensor.externalData?.map(({ key = '', value = '' }) => [key, value]));
  const path = resolveInside(name, entries.get('location') ?? '', directory);
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? bytes);
  if (!Number.isSafeInteger(offset) || offset < 0)
    damaged(`tensor '${name}': external data at offset '${offset}'`);
  if (length !== bytes) {
    damaged(
      `tensor '${name}': shape ${formatShape(tensor.dims)} takes ${bytes} bytes but its external data has ${length}`,
    );
  }
  return readRange(name, path, offset, bytes);
}

/** The real path of `location`; links that lead out of the folder count as leaving it. */
function resolveInside(name: string, location: string, directory: string | null): string {
  if (directory === null)
    damaged(`tensor '${name}': its contents are in the file '${location}', but no directory was given`);
  if (location === '' || isAbsolute(location) || location.includes('\0')) {
    damaged(
      `tensor '${name}': external data in '${location}', which is not a path inside the model's folder`,
    );
  }
  const target = realPath(name, join(directory, location));
  const inside = relative(realPath(name, directory), target);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    damaged(`tensor '${name}': external data in '${location}', which leaves the model's folder`);
  }
  return target;
}

function realPath(name: string, path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    return damaged(`tensor '${name}': external data: ${(error as Error).message}`, error);
  }
}

function readRange(name: string, path: string, offset: number, bytes: number): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (offset + bytes > size) {
      damaged(
        `tensor '${name}': external data '${path}' has ${size} bytes but ${offset} + ${bytes} are read`,
      );
    }
    const data = new Uint8Array(bytes);
    for (let done = 0; done < bytes;) {
      const read = readSync(file, data, done, bytes - done, offset + done);
      if (read === 0) damaged(`tensor '${name}': external data '${path}' ended early`);
      done += read;
    }
    return data;
  } finally {
    closeSync(file);
  }
}
