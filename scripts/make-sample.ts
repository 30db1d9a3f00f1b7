// Cuts the bundled sample out of the published Fashion-MNIST files: the first images of each
// class, in the published order, so that everyone who runs it gets the same files.
//
//     npx tsx scripts/make-sample.ts [FOLDER]

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import { parseIdx } from '../lib/data/idx.js';

const source = process.argv[2] ?? '/usr/share/datasets/fashion-mnist';
const target = 'assets/fashion-mnist-sample';
const perClass = { train: 1000, t10k: 100 };

await mkdir(target, { recursive: true });
for (const [prefix, count] of Object.entries(perClass)) await cut(prefix, count);

async function cut(prefix: string, count: number): Promise<void> {
  const images = await read(`${prefix}-images-idx3-ubyte.gz`, 3);
  const labels = await read(`${prefix}-labels-idx1-ubyte.gz`, 1);
  const chosen = firstOfEachClass(labels.data, count);
  const [, height = 0, width = 0] = images.shape;
  const size = height * width;
  const pixels = Buffer.concat(chosen.map((index) => images.data.subarray(index * size, (index + 1) * size)));
  const kept = Buffer.from(chosen.map((index) => labels.data[index] as number));
  await write(`${prefix}-images-idx3-ubyte.gz`, [chosen.length, height, width], pixels);
  await write(`${prefix}-labels-idx1-ubyte.gz`, [chosen.length], kept);
}

/** Indices, ascending, of the first `count` images of every class. */
function firstOfEachClass(labels: Uint8Array, count: number): readonly number[] {
  const seen = new Map<number, number>();
  return [...labels.keys()].filter((index) => {
    const label = labels[index] as number;
    const before = seen.get(label) ?? 0;
    seen.set(label, before + 1);
    return before < count;
  });
}

async function read(name: string, rank: number): Promise<ReturnType<typeof parseIdx>> {
  const path = join(source, name);
  return parseIdx(path, gunzipSync(await readFile(path)), rank);
}

async function write(name: string, shape: readonly number[], data: Buffer): Promise<void> {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE((0x08 << 8) | shape.length);
  shape.forEach((size, axis) => header.writeUInt32BE(size, 4 + 4 * axis));
  await writeFile(join(target, name), gzipSync(Buffer.concat([header, data]), { level: 9 }));
}
