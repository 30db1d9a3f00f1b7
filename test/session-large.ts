// Run by addon.test.ts under allocation-guard.c: a session whose arena and temporaries are each larger
// than one request to malloc may be.

import { assemble } from '../lib/compile/assemble.js';
import { tensor } from '../lib/compile/lower.js';
import { f32 } from '../lib/shape.js';
import { Session } from '../lib/train/session.js';

const LENGTH = 2 ** 28 + 2 ** 20; // floats: more than 1 GiB
const shape = f32([LENGTH]);

const x = tensor('x', shape, { kind: 'arena', arena: 0, offset: 0 });
const between = tensor('between', shape, { kind: 'temporary' });
const y = tensor('y', shape, { kind: 'arena', arena: 0, offset: 0 });
const step = (input: typeof x, output: typeof x) => ({
  kernel: 'sum',
  inputs: [input, input],
  outputs: [output],
  attrs: {},
  label: 'double',
});

const session = await Session.open(
  assemble(
    'cpu',
    [{ name: 'a', dtype: 'f32', length: LENGTH }],
    [{ name: 'run', inputs: [], outputs: [], steps: [step(x, between), step(between, y)] }],
  ),
);
session.write('a', Float32Array.of(1, 2), LENGTH - 2);
console.log(session.describe().bytes > 2 ** 31, ...session.read('a', LENGTH - 2, 2));
session.dispose();
