// What `device` and `precision` can be, apart from what looks for devices.

/** Names as help and completion show them; `cuda:1` names the second GPU, and so on. */
export const deviceNames = ['cpu', 'cuda', 'auto'] as const;

/** Any name of a device. */
export const devicePattern = /^(?:cpu|auto|cuda(?::\d+)?)$/;

/** What a device name looks like, for messages. */
export const deviceForm = 'cpu, cuda, cuda:1 and so on, or auto';

/** What products of f32 can be computed with: all 24 bits of both factors, or the 11 bits of TF32. */
export const precisionNames = ['fp32', 'tf32'] as const;

/** One of them. */
export type Precision = (typeof precisionNames)[number];
