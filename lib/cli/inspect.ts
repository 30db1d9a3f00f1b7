// `inspect`: what of a network can be erased, and why not the rest.

import { basename } from 'node:path';
import type { Command } from 'commander';
import { HalfspaceError } from '../errors.js';
import type { Unsupported } from '../ops/opaque.js';
import { collapse, shorten } from '../report/labels.js';
import { formatCount } from '../report/numbers.js';
import type { SearchSpace } from '../search/space.js';
import type { Colors } from './colors.js';
import { addConfigOptions } from './config-options.js';
import { addExamples } from './help.js';
import { isOnnxPath, loadModel, modelArgument, requireModel } from './load-model.js';
import { parseInput, positiveInteger, withoutUndefined } from './options.js';
import {
  addOutputOptions,
  openOutput,
  printable,
  writeResult,
  type Output,
  type OutputFlags,
} from './output.js';
import { formatTable, yesOrNo } from './table.js';
import { showUsualValues } from './usual-values.js';

export function declareInspect(command: Command): void {
  command
    .addArgument(
      modelArgument('[model]', 'a built-in super-network, an ONNX file, or a module that builds one'),
    )
    .option(
      '--input <C,H,W>',
      'image size of a network that is built, or of a file that leaves it open',
      parseInput,
    )
    .option('--classes <n>', 'classes of a network that is built', positiveInteger)
    .option('--width <n>', 'base channels of a network that is built', positiveInteger)
    .option('--gates', 'give branches without parameters (skip, pooling) a gate, as `train --gates` does')
    .option('--html <file>', 'write a drawing of the segment graph')
    .action((model: string | undefined, flags: InspectFlags) =>
      inspect(requireModel(model), flags, openOutput(flags)),
    );
  addConfigOptions(command);
  showUsualValues(command);
  addOutputOptions(command);
  addExamples(
    command,
    ['halfspace inspect stackedunets', 'what can be erased, and why not the rest'],
    ['halfspace inspect darts-8 --gates --json', 'the same for programs, skips and poolings included'],
    ['halfspace inspect model.onnx --html space.html', 'a drawing of your own network'],
  );
}

interface InspectFlags extends OutputFlags {
  readonly input?: readonly [number, number, number];
  readonly classes?: number;
  readonly width?: number;
  readonly gates?: boolean;
  readonly html?: string;
}

async function inspect(
  model: string,
  { gates, html, input, classes, width }: InspectFlags,
  output: Output,
): Promise<void> {
  const [{ addGates }, { searchSpace }, { inspectDocument }, { describeUnsupported }] = await Promise.all([
    import('../search/gates.js'),
    import('../search/space.js'),
    import('../search/inspect.js'),
    import('../ops/opaque.js'),
  ]);
  const shape = withoutUndefined({ input, classes, width });
  if (isOnnxPath(model) && classes !== undefined) {
    throw new HalfspaceError('ERR_OPTION', `--classes is for networks that are built; ${model} has its own`);
  }
  const graph = await loadModel(model, shape, output);
  const space = searchSpace(gates ? addGates(graph).graph : graph);
  if (html !== undefined) {
    announceDrawing(space, output);
    const [{ drawSpace }, { zeroGroups }] = await Promise.all([
      import('../report/space.js'),
      import('../train/construct.js'),
    ]);
    await writeResult(html, await drawSpace(space, basename(model), zeroGroups(space)));
    output.note(`wrote ${html}`);
  }
  const document = inspectDocument(space, model);
  warn(describeUnsupported(space.graph), document.unsupported, output);
  output.result(document, (colors) => describeSpace(space, document, colors));
}

/** Says what the result takes for granted of operators that are not known. */
function warn(list: string | null, { operators }: Unsupported, { note }: Output): void {
  if (list === null) return;
  const guesses = operators.flatMap(({ guessed }) => guessed).length;
  note(
    [
      list,
      ...(guesses > 0
        ? [`the results of ${guesses} are taken to be like their inputs, which is a guess`]
        : []),
      'train, eval and construct refuse the network for these',
    ].join('\n  '),
  );
}

/** The time of a layout grows with the square of the segments: 7,000 take the better part of a minute. */
const slowToDraw = 3000;
const mostDrawn = 20_000;

function announceDrawing({ segments }: SearchSpace, { note }: Output): void {
  const count = segments.length.toLocaleString('en');
  if (segments.length > mostDrawn) {
    throw new HalfspaceError(
      'ERR_OPTION',
      `--html draws at most ${mostDrawn.toLocaleString('en')} segments, the network has ${count}; --json lists them`,
    );
  }
  if (segments.length > slowToDraw) note(`drawing ${count} segments, which may take a minute`);
}

/** Letters of a cell; --json has all of it. */
const mostOperators = 60;
const longestReason = 200;

function describeSpace(
  space: SearchSpace,
  document: { readonly model: string; readonly params: number; readonly macs: number },
  colors: Colors,
): string {
  const rows = space.segments.map((segment) => [
    String(segment.id),
    yesOrNo(colors, segment.removable),
    formatCount(segment.params),
    printable(shorten(collapse(segment.nodes.map((node) => node.op.name)), mostOperators)),
    printable(shorten(segment.reason, longestReason)),
  ]);
  const removable = space.segments.filter((segment) => segment.removable).length;
  return [
    `${colors.bold(document.model)}: ${formatCount(document.params)} parameters, ${formatCount(document.macs)} multiply-accumulates`,
    `${space.segments.length} segments, ${removable} removable, ${space.groups.length} groups, at most ${space.maxRemovable} can go together`,
    '',
    formatTable(colors, ['segment', 'removable', 'params', 'operators', 'reason'], rows),
  ].join('\n');
}
