// Draws the pictures of the documentation.
//
//     npm run pictures                what can be drawn from the networks alone
//     npm run pictures -- RUN_DIR     and the page of a run, as Chromium shows it

import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { drawSegments } from '../lib/report/drawing.js';
import { drawingStyle } from '../lib/report/drawing-style.js';
import { writeReport } from '../lib/report/run.js';
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

/** The upper part of a run's page: result and curves. */
async function photographRun(directory: string): Promise<void> {
  const page = pathToFileURL(await writeReport(directory)).href;
  const picture = fileURLToPath(new URL('../docs/images/run.png', import.meta.url));
  const view = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    '--window-size=1180,1030',
  ];
  execFileSync('chromium', [...view, `--screenshot=${picture}`, page], { stdio: 'ignore' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, draw } of pictures) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, await draw());
  }
  const [run] = process.argv.slice(2);
  if (run !== undefined) await photographRun(run);
}
