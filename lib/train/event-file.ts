// TensorBoard's event files: messages of TensorFlow's event.proto and summary.proto, as far as scalars
// need them, framed as records with checksums.

import protobuf from 'protobufjs/light.js';
import { crc32c } from './crc32c.js';

export interface EventMessage {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number;
  /** `brain.Event:2`, in the first event of a file. */
  readonly fileVersion?: string;
  readonly summary?: { readonly value: readonly { readonly tag: string; readonly simpleValue: number }[] };
  /** A start tells readers to drop events from `step` on that earlier files hold. */
  readonly sessionLog?: { readonly status: typeof sessionStart };
}

/** SessionLog.SessionStatus.START */
export const sessionStart = 1;

const field = (type: string, id: number, rule?: 'repeated') => ({ type, id, ...(rule && { rule }) });

const eventType = protobuf.Root.fromJSON({
  nested: {
    Event: {
      fields: {
        wallTime: field('double', 1),
        step: field('int64', 2),
        fileVersion: field('string', 3),
        summary: field('Summary', 5),
        sessionLog: field('SessionLog', 7),
      },
    },
    Summary: { fields: { value: field('Value', 1, 'repeated') } },
    // In a oneof, as published: without it a value of 0 would not be written.
    Value: {
      fields: { tag: field('string', 1), simpleValue: field('float', 2) },
      oneofs: { value: { oneof: ['simpleValue'] } },
    },
    SessionLog: { fields: { status: field('int32', 1) } },
  },
}).lookupType('Event');

/** One record of an event file. */
export const eventRecord = (event: EventMessage): Uint8Array =>
  frame(eventType.encode(eventType.fromObject(event)).finish());

/** Length (8 bytes, little endian), its checksum, the data, its checksum. */
function frame(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedChecksum(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedChecksum(data), 12 + data.length);
  return record;
}

/** Rotated and offset, because a checksum of data that holds checksums is weak. */
function maskedChecksum(bytes: Uint8Array): number {
  const sum = crc32c(bytes);
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}
