// Contents that a model keeps in files beside it. Only regular paths inside the given folder are opened,
// and sizes are compared with the file's before anything is allocated.

import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { systemReason } from '../errors.js';
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
  const location = entries.get('location') ?? '';
  const path = resolveInside(name, location, directory);
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? bytes);
  if (!Number.isSafeInteger(offset) || offset < 0)
    damaged(`tensor '${name}': external data at offset ${offset}, which is no place in a file`);
  if (length !== bytes) {
    damaged(
      `tensor '${name}': shape ${formatShape(tensor.dims)} takes ${bytes} bytes but its external data has ${length}`,
    );
  }
  return readRange(name, path, location, offset, bytes);
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
  const target = onDisk(name, location, () => realpathSync(join(directory, location)));
  const inside = relative(
    onDisk(name, location, () => realpathSync(directory)),
    target,
  );
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    damaged(`tensor '${name}': external data in '${location}', which leaves the model's folder`);
  }
  return target;
}

/** The file is looked at before it is opened, since opening a pipe would wait for its other end. */
function readRange(name: string, path: string, location: string, offset: number, bytes: number): Uint8Array {
  const stat = onDisk(name, location, () => statSync(path));
  if (!stat.isFile()) damaged(`tensor '${name}': external data in '${location}', which is not a file`);
  if (offset + bytes > stat.size) {
    const range = `${offset} + ${bytes} are read`;
    damaged(`tensor '${name}': external data '${location}' has ${stat.size} bytes but ${range}`);
  }
  return onDisk(name, location, () => {
    const file = openSync(path, 'r');
    try {
      return readFully(file, new Uint8Array(bytes), offset);
    } finally {
      closeSync(file);
    }
  });
}

function readFully(file: number, data: Uint8Array, offset: number): Uint8Array {
  let done = 0;
  while (done < data.length) {
    const read = readSync(file, data, done, data.length - done, offset + done);
    if (read === 0) damaged('it ended while it was read');
    done += read;
  }
  return data;
}

/** What the system refuses is told as a fault of the model. */
function onDisk<T>(name: string, location: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    return damaged(`tensor '${name}': external data in '${location}': ${systemReason(error)}`, error);
  }
}
