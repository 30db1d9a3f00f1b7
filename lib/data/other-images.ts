// Compressed images other than JPEG, through the optional package `sharp`, whose decoders run on threads of
// their own.

import type { Sharp } from 'sharp';

import { HalfspaceError } from '../errors.js';
import type { ChooseFrame, Frame, Image } from './image.js';

type Open = typeof import('sharp').default;

let opening: Promise<Open> | undefined;

/** Cut and scaled by `choose`; ERR_DATA where the file cannot be decoded. */
export async function decodeOther(file: Uint8Array, choose: ChooseFrame): Promise<Image> {
  if (file.length === 0) throw new HalfspaceError('ERR_DATA', 'is an empty file');
  const open = await (opening ??= loadSharp());
  const image = open(file, { failOn: 'error', ignoreIcc: true });
  const { width, height } = await image.metadata().catch(refuse);
  return planar(await framed(image, choose(width, height)).catch(refuse));
}

function refuse(cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new HalfspaceError('ERR_DATA', `cannot be decoded as an image (${reason})`, { cause });
}

function framed(image: Sharp, frame: Frame): ReturnType<typeof interleaved> {
  const { left, top, width, height, outputWidth, outputHeight } = frame;
  return interleaved(
    image
      .extract({ left, top, width, height })
      .resize(outputWidth, outputHeight, { fit: 'fill', kernel: 'linear' })
      .removeAlpha()
      .toColourspace('srgb'),
  );
}

const interleaved = (image: Sharp) => image.raw().toBuffer({ resolveWithObject: true });

/** [H, W, C] to [C, H, W] */
function planar({ data, info }: Awaited<ReturnType<typeof interleaved>>): Image {
  const { width, height, channels } = info;
  const plane = width * height;
  const pixels = new Uint8Array(channels * plane);
  for (let channel = 0; channel < channels; channel += 1) {
    const start = channel * plane;
    for (let i = 0; i < plane; i += 1) pixels[start + i] = data[i * channels + channel] as number;
  }
  return { channels, height, width, pixels };
}

async function loadSharp(): Promise<Open> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    const advice =
      "PNG files, and JPEG files for printing, are read through the package 'sharp': npm install sharp";
    throw new HalfspaceError('ERR_UNSUPPORTED', advice, { cause });
  }
}
