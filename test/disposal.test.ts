// What was opened is let go of when the rest of an opening fails.

import test from 'ava';
import { openedMeanwhile, preparedOrDisposed } from '../lib/train/disposal.js';

class Opened {
  disposed = false;

  dispose(): void {
    this.disposed = true;
  }
}

const failure = (): never => {
  throw new Error('no memory');
};

test('what is made meanwhile comes with what was opened', async (t) => {
  const opened = new Opened();
  t.deepEqual(await openedMeanwhile(Promise.resolve(opened), () => 1), [opened, 1]);
  t.false(opened.disposed);
});

test('where the making fails, what opens later is disposed of', async (t) => {
  const opened = new Opened();
  const late = new Promise<Opened>((resolve) => setTimeout(() => resolve(opened), 20));
  await t.throwsAsync(openedMeanwhile(late, failure), { message: 'no memory' });
  t.false(opened.disposed);
  await late;
  await new Promise(setImmediate);
  t.true(opened.disposed);
});

test('where both fail, the making is what is told', async (t) => {
  const refused = Promise.reject(new Error('refused'));
  await t.throwsAsync(openedMeanwhile(refused, failure), { message: 'no memory' });
});

test('where the preparation fails, what was opened is disposed of', async (t) => {
  const opened = new Opened();
  await t.throwsAsync(preparedOrDisposed(opened, failure), { message: 'no memory' });
  t.true(opened.disposed);
});
