// The checksum of TensorFlow's record files: CRC-32C (Castagnoli, RFC 3720), which Node does not offer.

/** The polynomial, bits reversed. */
const polynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
  }
  return remainder;
});

export function crc32c(bytes: Uint8Array): number {
  const remainder = bytes.reduce(
    (sum, byte) => (table[(sum ^ byte) & 0xff] as number) ^ (sum >>> 8),
    ~0 >>> 0,
  );
  return ~remainder >>> 0;
}
