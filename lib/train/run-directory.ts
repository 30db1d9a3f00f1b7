// The folder of a run. Who reads it: people, the report, and a run that goes on later.
//
//   config.json                    what was asked for
//   metrics.jsonl                  one event a line
//   metrics.csv events.out.tfevents.*  the same for other programs, on request
//   checkpoints/last.safetensors   to go on from; replaced after every epoch
//   checkpoints/selection.safetensors  the super-network as warm-up left it, at selection
//   super.onnx sub.onnx            at the end of the run
//   summary.json                   written last: where it exists, the run is complete

import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HalfspaceError, systemReason } from '../errors.js';
import type { Graph } from '../graph.js';
import { readCheckpoint, writeAtomically, writeCheckpoint, type Checkpoint } from './checkpoint.js';
import { csvFormat } from './csv-log.js';
import type { Progress } from './progress.js';
import { jsonLines, lineLog, type RunLog } from './run-log.js';

/** What a run was begun with; plain JSON. */
export type RunConfig = Readonly<Record<string, unknown>>;

/** A run that goes on; without a checkpoint, from its beginning. */
export interface ResumedRun {
  readonly directory: RunDirectory;
  readonly checkpoint: Checkpoint | null;
}

/** What can be written beside metrics.jsonl. */
export type LogName = 'csv' | 'tensorboard';

const extraLogs = {
  csv: (directory) => Promise.resolve(lineLog(directory, csvFormat)),
  tensorboard: async (directory) => (await import('./tensorboard-log.js')).tensorboardLog(directory),
} as const satisfies Readonly<Record<LogName, (directory: string) => Promise<RunLog>>>;

/** The further logs that a run can write. */
export const logNames = Object.keys(extraLogs) as readonly LogName[];

/** Step events kept of a whole run; more would drown the others. */
const mostStepLines = 1000;

const lastCheckpoint = join('checkpoints', 'last.safetensors');

/** Writes one run. `create` and `resume` are the ways in. */
export class RunDirectory {
  readonly path: string;
  readonly #logs: readonly RunLog[];

  private constructor(path: string, logs: readonly RunLog[]) {
    this.path = path;
    this.#logs = logs;
  }

  /** A folder for a new run; throws ERR_RUN where it holds one already. */
  static async create(path: string, config: RunConfig, logs: readonly LogName[]): Promise<RunDirectory> {
    if (existsSync(join(path, 'config.json'))) {
      throw new HalfspaceError('ERR_RUN', `${path} holds another run: choose another folder, or resume it`);
    }
    await makeFolder(join(path, 'checkpoints'));
    const directory = new RunDirectory(path, await openLogs(path, logs));
    await directory.#writeJson('config.json', config);
    await directory.#begin(0);
    return directory;
  }

  /** The folder of a run that shall go on, and where it stands; throws ERR_RUN where that cannot be. */
  static async resume(path: string, config: RunConfig, logs: readonly LogName[]): Promise<ResumedRun> {
    requireSame(path, await readConfig(path), config);
    const directory = new RunDirectory(path, await openLogs(path, logs));
    const file = join(path, lastCheckpoint);
    const checkpoint = existsSync(file) ? await readCheckpoint(file) : null;
    await directory.#begin(checkpoint?.position.step ?? 0);
    return { directory, checkpoint };
  }

  /** Adds an event to the logs; of the steps, about a thousand evenly over the run. */
  async record(event: Progress): Promise<void> {
    if (event.kind === 'step' && event.step % Math.ceil(event.steps / mostStepLines) !== 0) return;
    await Promise.all(this.#logs.map((log) => log.append(event)));
  }

  async writeCheckpoint(graph: Graph, checkpoint: Checkpoint): Promise<void> {
    await writeCheckpoint(this.#file(lastCheckpoint), graph, checkpoint);
  }

  /** The file to go on from, or null where none has been written yet. */
  existingCheckpoint(): string | null {
    const file = this.#file(lastCheckpoint);
    return existsSync(file) ? file : null;
  }

  /** Keeps the super-network from before anything was erased. */
  async writeSelection(graph: Graph, checkpoint: Checkpoint): Promise<void> {
    await writeCheckpoint(this.#file(join('checkpoints', 'selection.safetensors')), graph, checkpoint);
  }

  async writeNetwork(name: 'super.onnx' | 'sub.onnx', bytes: Uint8Array): Promise<void> {
    await writeAtomically(this.#file(name), bytes);
  }

  async writeSummary(summary: object): Promise<void> {
    await this.#writeJson('summary.json', summary);
  }

  async #begin(step: number): Promise<void> {
    await Promise.all(this.#logs.map((log) => log.begin(step)));
  }

  #file(name: string): string {
    return join(this.path, name);
  }

  async #writeJson(name: string, value: unknown): Promise<void> {
    await writeAtomically(this.#file(name), `${JSON.stringify(value, null, 2)}\n`);
  }
}

/** The log that every run writes, and those that were asked for. */
async function openLogs(path: string, names: readonly LogName[]): Promise<readonly RunLog[]> {
  const more = await Promise.all(names.map((name) => extraLogs[name](path)));
  return [lineLog(path, jsonLines), ...more];
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new HalfspaceError('ERR_RUN', `cannot make the folder ${path}: ${systemReason(error)}`, {
      cause: error,
    });
  }
}

/** What the run in `path` was begun with; throws ERR_RUN where it holds none. */
export async function readConfig(path: string): Promise<RunConfig> {
  try {
    return JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as RunConfig;
  } catch (error) {
    throw new HalfspaceError('ERR_RUN', `${path} holds no run: config.json is missing or damaged`, {
      cause: error,
    });
  }
}

/** What may differ when a run goes on: how it was put into words, and what computes it. */
const free: readonly string[] = ['origin', 'device'];

/** A run goes on only as it was begun. */
function requireSame(path: string, begun: RunConfig, now: RunConfig): void {
  const names = new Set([...Object.keys(begun), ...Object.keys(now)].filter((name) => !free.includes(name)));
  for (const name of names) {
    const [before, after] = [JSON.stringify(begun[name]), JSON.stringify(now[name])];
    if (before !== after) {
      throw new HalfspaceError(
        'ERR_RUN',
        `${path}: cannot resume, '${name}' was ${before} when the run was begun and is ${after} now`,
      );
    }
  }
}
