// The logs of a run for other programs: every event is there once, also when a run goes on. TensorBoard's
// own reader says so where it is installed; a decoder that shares nothing with the writer says so always.

import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { crc32c } from '../lib/train/crc32c.js';
import { HalfspaceError } from '../lib/errors.js';
import type { SearchOptions } from '../lib/train/options.js';
import type { Progress } from '../lib/train/progress.js';
import { search } from '../lib/train/search.js';
import { pythonWith, runPython } from './onnx-tools.js';
import { openReference, tinyDataset, tinyNetwork } from './training-fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'halfspace-logs-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const options: SearchOptions = {
  target: { kind: 'count', count: 2 },
  score: 'magnitude',
  epochs: 2,
  batch: 8,
  learningRate: 0.05,
  open: openReference,
  logs: ['csv', 'tensorboard'],
};

/** A run that was stopped within its second epoch, and went on from there. */
const directory = join(folder, 'run');
const events: Progress[] = [];

test.before(async () => {
  const stop = new AbortController();
  await search(tinyNetwork(), tinyDataset, {
    ...options,
    directory,
    stop: stop.signal,
    onProgress: (event) => {
      events.push(event);
      if (event.step === 14) stop.abort();
    },
  });
  await search(tinyNetwork(), tinyDataset, {
    ...options,
    directory,
    resume: true,
    onProgress: (event) => {
      events.push(event);
    },
  });
});

test('checksums are those of RFC 3720, B.4', (t) => {
  t.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  t.is(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  t.is(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e);
  t.is(crc32c(Buffer.from('123456789')), 0xe3069283);
});

test('the table has a row for every event and a column for every field', (t) => {
  const [heading = [], ...rows] = readFileSync(join(directory, 'metrics.csv'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  t.deepEqual(
    rows.map((row) =>
      Object.fromEntries(
        heading.map((name, index) => [name, row[index]] as const).filter(([, cell]) => cell !== ''),
      ),
    ),
    events.map((event) =>
      Object.fromEntries(
        Object.entries(event).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(' ') : String(value),
        ]),
      ),
    ),
  );
});

type Scalars = Readonly<Record<string, readonly (readonly [step: number, value: number])[]>>;

/** What TensorBoard should show, as the float32 numbers that it keeps. */
function expected(tag: string, kind: Progress['kind'], field: string) {
  const points = events
    .filter((event) => event.kind === kind)
    .map(
      (event) =>
        [event.step, Math.fround((event as unknown as Record<string, number>)[field] as number)] as const,
    );
  return [tag, points] as const;
}

const allExpected = (): Scalars =>
  Object.fromEntries([
    expected('step/loss', 'step', 'loss'),
    expected('step/accuracy', 'step', 'accuracy'),
    expected('step/learning_rate', 'step', 'learningRate'),
    expected('step/images_per_second', 'step', 'imagesPerSecond'),
    expected('search/zero_groups', 'step', 'zeroGroups'),
    expected('train/loss', 'epoch', 'trainLoss'),
    expected('train/accuracy', 'epoch', 'trainAccuracy'),
    expected('test/loss', 'epoch', 'testLoss'),
    expected('test/accuracy', 'epoch', 'testAccuracy'),
    expected('search/super_network_accuracy', 'selection', 'accuracy'),
    ['search/chosen_groups', events.flatMap((e) => (e.kind === 'selection' ? [[e.step, 2] as const] : []))],
    expected('search/params', 'erasure', 'params'),
    expected('search/macs', 'erasure', 'macs'),
  ]);

const eventFiles = (): readonly string[] =>
  readdirSync(directory)
    .filter((name) => name.includes('tfevents'))
    .map((name) => join(directory, name));

/** The same checksum bit by bit, without a table. */
function checksum(bytes: Uint8Array): number {
  let sum = 0xffffffffn;
  for (const byte of bytes) {
    sum ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1n ? (sum >> 1n) ^ 0x82f63b78n : sum >> 1n;
  }
  const value = sum ^ 0xffffffffn;
  return Number((((value >> 15n) | (value << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

/** The data of the records of a file; every checksum is checked. */
function records(t: ExecutionContext, file: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    t.is(file.readUInt32LE(at + 8), checksum(file.subarray(at, at + 8)));
    t.is(file.readUInt32LE(at + 12 + length), checksum(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

type Fields = readonly { readonly field: number; readonly value: number | Buffer }[];

/** The fields of a protocol buffer: varints, doubles, floats, and bytes. */
function fields(message: Buffer): Fields {
  const found: { field: number; value: number | Buffer }[] = [];
  let at = 0;
  const varint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = message[at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Buffer => message.subarray(at, (at += length));
  while (at < message.length) {
    const key = varint();
    const read: Readonly<Record<number, () => number | Buffer>> = {
      0: varint,
      1: () => take(8).readDoubleLE(),
      2: () => take(varint()),
      5: () => take(4).readFloatLE(),
    };
    found.push({ field: key >> 3, value: (read[key & 7] as () => number | Buffer)() });
  }
  return found;
}

const get = (message: Fields, field: number): number | Buffer | undefined =>
  message.find((each) => each.field === field)?.value;

test('event files hold a version, starts that drop what comes again, and every scalar once', (t) => {
  const files = eventFiles().map((path) => records(t, readFileSync(path)).map(fields));
  const all = files.flat();
  t.is(String(get(all[0] as Fields, 3)), 'brain.Event:2');
  const wall = all.map((event) => get(event, 1) as number);
  t.true(wall.every((time) => Math.abs(time - Date.now() / 1000) < 600));
  const starts = all.filter((event) => get(event, 7) !== undefined);
  t.deepEqual(
    starts.map((event) => get(event, 2)),
    [15],
  );
  const scalars: Record<string, [number, number][]> = {};
  for (const event of all) {
    const summary = get(event, 5);
    if (!Buffer.isBuffer(summary)) continue;
    for (const { value } of fields(summary)) {
      const scalar = fields(value as Buffer);
      const tag = String(get(scalar, 1));
      (scalars[tag] ??= []).push([get(event, 2) as number, get(scalar, 2) as number]);
    }
  }
  t.deepEqual(scalars as Scalars, allExpected());
});

const python = pythonWith('tensorboard');

(python === null ? test.skip : test)("TensorBoard's reader finds every scalar once", (t) => {
  t.timeout(120_000);
  const script = fileURLToPath(new URL('tensorboard-scalars.py', import.meta.url));
  const found = JSON.parse(runPython(python as string, script, directory)) as Scalars;
  t.deepEqual(found, allExpected());
});

test('a log needs a folder, and a name that exists', async (t) => {
  const error = await t.throwsAsync(async () => search(tinyNetwork(), tinyDataset, options), {
    instanceOf: HalfspaceError,
  });
  t.regex(error.message, /logs: expected a directory to write csv and tensorboard to, got none/);
  const wrong = { ...options, directory: join(folder, 'no'), logs: ['tensorbord'] as never };
  const unknown = await t.throwsAsync(async () => search(tinyNetwork(), tinyDataset, wrong), {
    instanceOf: HalfspaceError,
  });
  t.regex(unknown.message, /tensorbord.*tensorboard/);
});
