// Reading data files so that every failure names the file, what was expected and what arrived.
// Formats live in the files beside this one.

import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';

import { HalfspaceError, systemReason } from '../errors.js';
import { readRegularFile } from '../regular-file.js';

/** Largest file that is unpacked into memory; the largest published one has 0.8 GB. */
const LARGEST = 4 * 2 ** 30 - 1;

/** An ERR_DATA at `path`. */
export const dataError = (path: string, what: string, cause?: unknown): HalfspaceError =>
  new HalfspaceError('ERR_DATA', `${path}: ${what}`, cause === undefined ? undefined : { cause });

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** For `catch`: says of `path` what the system says. */
const unreadable = (path: string) => (cause: unknown) => {
  throw dataError(path, `cannot be read (${systemReason(cause)})`, cause);
};

/** Names of what a folder holds. */
export const readNames = (folder: string): Promise<string[]> => readdir(folder).catch(unreadable(folder));

/** Names of the folders in a folder, and of the links to some. */
export async function readFolders(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(unreadable(folder))) {
    const found = entry.isSymbolicLink() ? await isFolder(join(folder, entry.name)) : entry.isDirectory();
    if (found) names.push(entry.name);
  }
  return names;
}

/** Whether it is a folder or a link to one. */
export const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** The whole file. */
export const readBytes = (path: string): Promise<Uint8Array> => readRegularFile(path).catch(unreadable(path));

/** A Buffer's `slice` shares memory where a typed array's copies, so Buffers stay in this file. */
const plain = ({ buffer, byteOffset, byteLength }: Buffer<ArrayBuffer>): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The whole file, unpacked where its name ends in `.gz`. */
export async function readUnpacked(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  if (!path.endsWith('.gz')) return bytes;
  return unpack(gunzip, bytes).catch((cause: unknown) => {
    throw dataError(
      path,
      `is a corrupt or truncated gzip file of ${bytes.length} bytes (${reasonOf(cause)})`,
      cause,
    );
  });
}

/** Unpacks a zlib stream that lies inside `path`. */
export async function inflated(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  return unpack(inflate, bytes).catch((cause: unknown) => {
    throw dataError(
      path,
      `holds a corrupt or truncated zlib stream of ${bytes.length} bytes (${reasonOf(cause)})`,
      cause,
    );
  });
}

/** A file of whole records; its size is checked before anything is read. */
export async function readRecords(path: string, recordBytes: number): Promise<Uint8Array> {
  const { size } = await stat(path).catch(unreadable(path));
  if (size > 0 && size % recordBytes === 0) return readBytes(path);
  throw dataError(path, `expected whole records of ${recordBytes} bytes, the file has ${size} bytes`);
}

/** The first folder that holds `marker`; ERR_DATA with `advice` when none does. */
export async function findFolder(
  folders: readonly string[],
  markers: readonly string[],
  advice: string,
): Promise<string> {
  for (const folder of folders) {
    for (const marker of markers) if (await exists(join(folder, marker))) return folder;
  }
  const looked = folders.length === 0 ? 'no folder was given' : `looked in ${folders.join(', ')}`;
  throw new HalfspaceError('ERR_DATA', `${markers[0]} was not found (${looked}); ${advice}`);
}

const unpack = async (method: typeof gunzip | typeof inflate, bytes: Uint8Array): Promise<Uint8Array> =>
  plain(await promisify(method)(bytes, { maxOutputLength: LARGEST }));

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
