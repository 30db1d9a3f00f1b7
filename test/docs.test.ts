// The documents point at things that exist.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('..', import.meta.url));
const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs')).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));

/** Targets of links and pictures, without those that lead to the web or within the page. */
const targets = (text: string): readonly string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)]
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
