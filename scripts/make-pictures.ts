// Draws the pictures of the documentation: `npm run pictures`.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawSegments } from '../lib/report/drawing.js';
import { drawingStyle } from '../lib/report/drawing-style.js';
import { segmentGraph } from '../lib/report/segment-graph.js';
import { searchSpace } from '../lib/search/space.js';
import { stackedUnets } from '../lib/models/index.js';

interface Picture {
  readonly path: string;
  readonly draw: () => Promise<string>;
}

export const pictures: readonly Picture[] = [
  { path: fileURLToPath(new URL('../docs/images/stackedunets.svg', import.meta.url)), draw: drawUnets },
];

/** StackedUnets at its published size without the four segments that the published run erased. */
async function drawUnets(): Promise<string> {
  const space = searchSpace(stackedUnets({ input: [3, 32, 32], classes: 10 }));
  const erased = publishedErasure.map((last) => {
    const group = space.groups.find(({ segments }) =>
      segments.some((id) => space.segments[id]?.nodes.some(({ name }) => name === last)),
    );
    if (!group) throw new Error(`StackedUnets has no removable segment with the node '${last}'`);
    return group.id;
  });
  const label = 'segment graph of StackedUnets with four erased segments';
  const { markup } = await drawSegments(segmentGraph(space, erased), label, drawingStyle);
  return `${markup}\n`;
}

/** A node of each segment. */
const publishedErasure = ['left.eighth1', 'right.eighth1', 'right.up1', 'right.out'];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, draw } of pictures) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, await draw());
  }
}
