// What `device` and `precision` can be, apart from what looks for devices.

/** Names as help and completion show them; `cuda:1` names the second GPU, and so on. */
export const deviceNames = ['cpu', 'cuda', 'auto'] as const;

/** Any name of a device. */
export const devicePattern = /^(?:cpu|auto|cuda(?::\d+)?)$/;

/** What a device name looks like, for messages. */
export const deviceForm = 'cpu, cuda, cuda:1 and so on, or auto';

/**
 * What products can be computed with: all 24 bits of both factors, the 11 bits of TF32, or the 8 of bf16,
 * in which a GPU then keeps images too. Parameters, their updates and all sums stay in fp32 or better. TF32
 * takes a GPU, bf16 a GPU or a processor with AVX-512.
 */
export const precisionNames = ['fp32', 'tf32', 'bf16'] as const;

/** One of them. */
export type Precision = (typeof precisionNames)[number];
