// Names: found where they are a table's own, otherwise refused with the nearest known one.

import test from 'ava';
import { HalfspaceError } from '../lib/errors.js';
import { lookUp } from '../lib/suggest.js';

const table = { red: 1, green: 2 };

const refusal = (name: string, known?: readonly string[]): string => {
  const error = refused(() => lookUp(table, name, 'color', known));
  return `${error.code}: ${error.message}`;
};

/** The library's error that `call` throws. */
function refused(call: () => unknown): HalfspaceError {
  try {
    call();
  } catch (error) {
    if (error instanceof HalfspaceError) return error;
  }
  throw new Error('expected a HalfspaceError');
}

test('a known name gives its entry', (t) => {
  t.is(lookUp(table, 'green', 'color'), 2);
});

test('an unknown name is refused with the nearest known one', (t) => {
  t.is(refusal('gren'), "ERR_OPTION: unknown color 'gren' (did you mean 'green'?)");
  t.is(refusal('violets'), "ERR_OPTION: unknown color 'violets' (known: red, green)");
});

test('names can be suggested that the table does not hold', (t) => {
  t.is(refusal('blu', ['red', 'blue']), "ERR_OPTION: unknown color 'blu' (did you mean 'blue'?)");
});

for (const name of ['constructor', 'toString', '__proto__']) {
  test(`${name}, which every object inherits, is an unknown name`, (t) => {
    t.true(refusal(name).startsWith(`ERR_OPTION: unknown color '${name}'`));
  });
}
