// The documents point at things that exist, and the table of errors is the one in the code.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

import { errorCodes } from '../lib/errors.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const documents = [
  'README.md',
  'FEATURES.md',
  'CHANGELOG.md',
  'examples/README.md',
  ...readdirSync(join(root, 'docs')).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));

/** Targets of links and pictures, without those that lead to the web or within the page. */
const targets = (text: string): readonly string[] =>
  [...text.matchAll(/(?:\]\(|<img src=")([^)"\s]+)/g)]
    .map((match) => (match[1] as string).split('#')[0] as string)
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target));

for (const document of documents) {
  test(`every link of ${document} leads to a file`, (t) => {
    const text = readFileSync(join(root, document), 'utf8');
    const missing = targets(text).filter((target) => !existsSync(join(root, dirname(document), target)));
    t.deepEqual(missing, []);
    t.notRegex(text, /@@/, 'no place is left to be filled in');
  });
}

test('the table of errors has every code, with the meaning that the code gives it', (t) => {
  const table = readFileSync(join(root, 'docs/errors.md'), 'utf8');
  const rows = [...table.matchAll(/^\| `(ERR_\w+)` \| ([^|]+) \|/gm)].map(([, code, meaning]) => [
    code,
    meaning,
  ]);
  t.deepEqual(rows, Object.entries(errorCodes));
});

test('every guide is listed', (t) => {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8');
  const listed = targets(index).map((target) => join('docs', target));
  const guides = documents.filter((name) => name.startsWith('docs/') && name !== 'docs/README.md');
  t.deepEqual(
    guides.filter((name) => !listed.includes(name)),
    [],
  );
});
