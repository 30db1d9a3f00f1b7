// The page of a run, `report.html`: what came out, how it went, what was erased, and what was asked for.

import { basename, join, resolve } from 'node:path';
import { HalfspaceError, systemReason } from '../errors.js';
import { writeAtomically } from '../train/checkpoint.js';
import { drawCurves } from './curves.js';
import { describeState, drawHeadline } from './headline.js';
import { element, type Content } from './markup.js';
import { formatIds } from './numbers.js';
import { details, note, page, section, table } from './page.js';
import { readRun, type RunRecord } from './read-run.js';
import { drawScores } from './scores.js';
import { segmentGraph } from './segment-graph.js';
import { segmentsSection } from './segments-section.js';

/** Writes `report.html` into a run directory and returns its path. Throws ERR_RUN where there is no run. */
export async function writeReport(directory: string): Promise<string> {
  const contents = await reportPage(directory);
  const file = join(directory, 'report.html');
  await writeAtomically(file, contents).catch((cause: unknown) => {
    throw new HalfspaceError('ERR_RUN', `cannot write ${file}: ${systemReason(cause)}`, { cause });
  });
  return file;
}

/** The page as it stands now, also of a run that is still going on. Throws ERR_RUN where there is no run. */
export async function reportPage(directory: string): Promise<string> {
  const run = await readRun(directory);
  return page(basename(resolve(directory)), describeState(run), [
    section(run.summary ? 'Result' : 'So far', drawHeadline(run)),
    run.steps.length > 0 &&
      section('Training', note('Over the steps of the run; values show on hover.'), drawCurves(run)),
    run.selection && section('Selection', selectionPart(run)),
    section('Segment graph', await segmentsPart(run)),
    section('Configuration', configuration(run)),
  ]);
}

function selectionPart({ selection, space, config }: RunRecord): Content {
  if (!selection) return null;
  const { step, groups, scores } = selection;
  const [all, some] = [groups.join(', '), formatIds(groups)];
  const order = `At step ${step}, groups ${some} were chosen, in this order.`;
  const rest = all !== some && details('All groups in the order in which they were chosen', note(all));
  if (scores.length === 0)
    return [note(`${order} There was no warm-up step before, so there are no scores.`), rest];
  const bars = scores.map((score, group) => ({
    group,
    score,
    chosen: groups.includes(group),
    label: `segment ${space?.groups[group]?.segments.join(', ') ?? 'not known yet'}`,
  }));
  return [
    note(`${order} ${scoreMeaning[config['score'] === 'ablation' ? 'measured' : 'scored']}`),
    drawScores(bars),
    rest,
  ];
}

/** What the bars have to do with the choice. */
const scoreMeaning = {
  measured:
    'The choice was made by measuring the loss without each candidate. The choice by these scores, averaged over ' +
    'warm-up, was measured beside it, both on other images, and the less harmful one taken.',
  scored:
    'The scores are averaged over warm-up. A group is passed over where no valid network would be left ' +
    'without it and those before it.',
} as const;

async function segmentsPart(run: RunRecord): Promise<Content> {
  const { space, selection, directory } = run;
  if (!space) {
    return note('The network is drawn once the run has written super.onnx.');
  }
  const erased = selection?.groups ?? [];
  if (!erased.every((group) => space.groups[group])) {
    throw new HalfspaceError(
      'ERR_RUN',
      `${directory}: the run chose groups ${erased.join(', ')}, but super.onnx has ${space.groups.length} groups`,
    );
  }
  return segmentsSection(segmentGraph(space, erased), basename(resolve(directory)));
}

function configuration({ config }: RunRecord): Content {
  const rows = flatten('', config).map(([name, value]) => [name, element('code', {}, value)]);
  return details('All settings of the run', table([{ heading: 'setting' }, { heading: 'value' }], rows));
}

/** `optimizer.momentum` and its value, for everything in a JSON document. */
function flatten(prefix: string, value: unknown): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[prefix, typeof value === 'string' ? value : JSON.stringify(value)]];
  }
  return Object.entries(value).flatMap(([name, inner]) =>
    flatten(prefix === '' ? name : `${prefix}.${name}`, inner),
  );
}
