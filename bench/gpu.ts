// What a GPU has to do, and how near the CUDA engine comes to it. `gpu-model` needs no GPU: bytes and
// operations of the very programs that would run, held against an H100's limits, and what ptxas says of the
// kernels where nvcc has built them. `gpu` times them where there is a GPU, against PyTorch's if it has one.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { compileTraining } from '../lib/compile/training.js';
import { chooseDevice } from '../lib/train/devices.js';
import { Session } from '../lib/train/session.js';
import { readPtxas, type KernelResources } from '../scripts/ptxas.js';
import {
  costsOf,
  modelledPrecisions,
  totalOf,
  type KernelCost,
  type ModelledPrecision,
} from './gpu-model.js';
import { measure, timed } from './measure.js';
import { resnet50, subjects, type Subject } from './networks.js';
import { layouts, PyTorchPeer, pytorchHasCuda } from './peer.js';
import type { BenchContext, Benchmark, Result } from './report.js';
import { Training } from './training.js';
import { h100Milliseconds } from './update-bytes.js';
import { bytesOfUpdate, fillArenas, updateInputs, updateProgram, updates, type Update } from './updates.js';

const BATCH = 256;
const subject: Subject = { name: 'resnet-50', batch: BATCH, build: resnet50 };
/** Small enough for the emulation. */
const small: Subject = { ...(subjects.find(({ name }) => name === 'demosupnet') as Subject), batch: 2 };

const subjectNames = [
  ...modelledPrecisions.map((precision) => `${subject.name}/${precision}`),
  ...updates.map(({ name }) => name),
];

export const gpu: Benchmark = {
  names: ['gpu-model', 'gpu'].flatMap((group) => subjectNames.map((name) => `${group}/${name}`)),
  async *run(context) {
    const modelled = [
      ...modelledPrecisions.flatMap((precision) => modelNetwork(subject, precision)),
      ...modelUpdates(lengthOf(context)),
    ];
    yield* modelled.filter(({ name }) => context.selected(name));
    const chosen = timings(context).filter(({ name }) => context.selected(name));
    if (chosen.length === 0) return;
    const { name: device, note } = chooseDevice('auto');
    if (device === 'cpu') return context.skip('gpu', note ?? '');
    for (const { time } of chosen) yield await time(device);
  },
};

interface Timing {
  readonly name: string;
  readonly time: (device: string) => Promise<Result>;
}

function timings(context: BenchContext): readonly Timing[] {
  const network = context.short ? small : subject;
  return [
    ...modelledPrecisions.map((precision) => ({
      name: `gpu/${network.name}/${precision}`,
      time: (device: string) => timeNetwork(network, { device, precision }, context),
    })),
    ...updates
      .filter(({ groups }) => groups <= lengthOf(context))
      .map((update) => ({
        name: `gpu/${update.name}`,
        time: (device: string) => timeUpdate(update, device, context),
      })),
  ];
}

/** Elements of the arenas that are updated; a short run is for the emulation as well. */
const lengthOf = ({ short }: BenchContext): number => (short ? 1 << 14 : 1 << 27);

/** One line for the network, and one for each kernel that takes more than a hundredth of its step. */
function modelNetwork({ name, batch, build }: Subject, precision: ModelledPrecision): readonly Result[] {
  const { program } = compileTraining(build(), { batch, rule: 'sgd', groups: [] });
  const costs = costsOf(program, 'train', precision);
  const total = totalOf(costs);
  const all = modelOf(`gpu-model/${name}/${precision}`, total);
  return [
    { ...all, details: { ...all.details, 'images/s': (1e3 * batch) / total.milliseconds } },
    ...costs
      .filter(({ milliseconds }) => milliseconds > total.milliseconds / 100)
      .map((cost) => modelOf(`gpu-model/${name}/${precision}/${cost.kernel}`, cost)),
  ];
}

const modelOf = (name: string, { steps, flops, bytes, movedBytes, milliseconds }: KernelCost): Result => ({
  name,
  ours: milliseconds,
  details: { steps, TFLOP: flops / 1e12, 'GB once': bytes / 1e9, 'GB moved': movedBytes / 1e9 },
});

function modelUpdates(length: number): readonly Result[] {
  const kernels = builtKernels();
  return updates.map((update) => {
    const bytes = bytesOfUpdate(update, length);
    return {
      name: `gpu-model/${update.name}`,
      ours: h100Milliseconds(bytes),
      details: {
        'M parameters': length / 1e6,
        'bytes a parameter': bytes / length,
        ...registersOf(kernels, update),
      },
    };
  });
}

/** What nvcc built in this checkout. */
function builtKernels(): readonly KernelResources[] {
  const build = fileURLToPath(new URL('../build/cuda', import.meta.url));
  return existsSync(build) ? readPtxas(build) : [];
}

/** Registers of a thread on the architecture of an H100, pass by pass. */
function registersOf(
  kernels: readonly KernelResources[],
  { rule }: Update,
): Readonly<Record<string, number>> {
  const argument = { sgd: 'Sgd<false>', adam: 'Adam<false>', adamw: 'Adam<true>' }[rule];
  const found = (pass: string): readonly (readonly [string, number])[] =>
    kernels
      .filter(
        ({ kernel, architecture }) => architecture === 'sm_90' && kernel.startsWith(`${pass}<${argument}`),
      )
      .map(({ registers }) => [`registers of ${pass}`, registers]);
  return Object.fromEntries(['advance', 'project'].flatMap(found));
}

/** Step time and images a second. The peer is the better of PyTorch's layouts, in the same precision. */
async function timeNetwork(
  { name, batch, build }: Subject,
  { device, precision }: { readonly device: string; readonly precision: ModelledPrecision },
  context: BenchContext,
): Promise<Result> {
  const graph = build();
  const { python, threads, timing } = context;
  using training = await Training.open(graph, batch, { threads, precision }, device);
  const peer =
    python !== null && pytorchHasCuda(python)
      ? await PyTorchPeer.start(python, { graph, batch, threads, device: 'cuda', precision })
      : null;
  try {
    const rivals = peer === null ? [] : layouts.map((layout) => peer.contender(layout));
    const times = await measure([timed(device, () => training.step()), ...rivals], timing);
    const [ours, ...others] = times.map(({ median }) => median) as [number, ...number[]];
    const rate = { 'images/s': (1e3 * batch) / ours };
    return {
      name: `gpu/${name}/${precision}`,
      ours,
      details: rate,
      ...(peer && { peer: Math.min(...others) }),
    };
  } finally {
    peer?.stop();
  }
}

/** Updates of the longer of two runs: what both take besides is not counted. */
const REPEATS = 17;

/** Bandwidth of the update alone: ceilings and statistics travel once a run, whatever it repeats. */
async function timeUpdate(update: Update, device: string, context: BenchContext): Promise<Result> {
  const length = lengthOf(context);
  const time = async (repeats: number): Promise<number> => {
    using session = await Session.open(updateProgram(update, { length, device, repeats }), {
      threads: context.threads,
    });
    fillArenas(session, length);
    const inputs = updateInputs(update);
    const [own] = await measure([timed('update', () => session.run('update', inputs))], context.timing);
    return own?.fastest ?? NaN;
  };
  const repeats = context.short ? 2 : REPEATS;
  const one = await time(1);
  const ours = ((await time(repeats)) - one) / (repeats - 1);
  const bytes = bytesOfUpdate(update, length);
  return {
    name: `gpu/${update.name}`,
    ours,
    details: { 'GB/s': bytes / ours / 1e6, 'share of an H100 %': (100 * h100Milliseconds(bytes)) / ours },
  };
}
