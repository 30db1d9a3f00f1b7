// Keeps the direction of imports: a file reads only from layers below its own, or from its own layer.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const lib = join(dirname(fileURLToPath(import.meta.url)), '..', 'lib');

/** Lowest first; places on one line are side by side and do not read each other. */
const layers: readonly (readonly string[])[] = [
  ['errors', 'columns', 'regular-file', 'normal', 'collections'],
  ['shape', 'random', 'suggest'],
  ['graph'],
  ['weights', 'compile/program', 'compile/update'],
  ['ops'],
  ['network', 'grad'],
  ['search', 'compile', 'onnx'],
  // The addon: what it computes and what it decodes.
  ['train/loader', 'train/device-names'],
  ['train/native'],
  ['data'],
  ['train'],
  ['report'],
  ['index'],
  ['models'],
  ['cli'],
];

/** The layer entry a file belongs to: its own name first, then its folder. */
function place(file: string): string {
  const name = file.replace(/\.ts$/, '');
  const known = layers.flat();
  return known.includes(name) ? name : (name.split('/')[0] as string);
}

const level = (entry: string): number => layers.findIndex((layer) => layer.includes(entry));

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'));

/** Files of lib that `file` imports, relative to lib. */
function imports(file: string): string[] {
  const text = readFileSync(join(lib, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    posix.normalize(posix.join(posix.dirname(file), (match[1] as string).replace(/\.js$/, '.ts'))),
  );
}

test('every file of lib stands in a layer', (t) => {
  t.deepEqual(
    files.filter((file) => level(place(file)) < 0),
    [],
  );
});

test('a file imports only from its own place or from lower layers', (t) => {
  const wrong = files.flatMap((file) =>
    imports(file)
      .filter((target) => place(target) !== place(file) && level(place(target)) >= level(place(file)))
      .map((target) => `${file} imports ${target}`),
  );
  t.deepEqual(wrong, []);
});

test('folders are at most two levels deep', (t) => {
  t.deepEqual(
    files.filter((file) => file.split('/').length > 2),
    [],
  );
});
