// How quantities are written for people, on pages and in the terminal.

/** `2.84 G`, `614 M`, `1.23 M`, `12.3 k`, `950`. */
export function formatCount(count: number): string {
  if (count >= 999.5e6) return `${(count / 1e9).toFixed(count >= 1e11 ? 0 : 2)} G`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(count >= 1e8 ? 0 : 2)} M`;
  if (count >= 1e4) return `${(count / 1e3).toFixed(1)} k`;
  return String(count);
}

/** `63.40 %` of a share. */
export const formatPercent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** `53 %` of a share. */
export const formatShare = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** More ids than this are not all named on a line. */
const mostNamed = 20;
const namedFirst = 8;

/** `1, 4, 7`, or where there are many the first of them and how many: `1, 4, 7, ... (135 in all)`. */
export const formatIds = (ids: readonly number[]): string =>
  ids.length <= mostNamed
    ? ids.join(', ')
    : `${ids.slice(0, namedFirst).join(', ')}, ... (${ids.length} in all)`;

/** `group 0 (segments 1, 5), group 3 (segment 7)`, or where there are many the first of them and how many. */
export function formatGroups(groups: readonly { id: number; segments: readonly number[] }[]): string {
  const named = groups.length <= mostNamed ? groups : groups.slice(0, namedFirst);
  const texts = named.map(
    ({ id, segments }) => `group ${id} (segment${segments.length > 1 ? 's' : ''} ${formatIds(segments)})`,
  );
  return [...texts, ...(named === groups ? [] : [`... (${groups.length} in all)`])].join(', ');
}

/** `segments 1, 4, 7`, or where there are many `135 segments`. */
export const formatSegments = (ids: readonly number[]): string =>
  ids.length <= mostNamed ? `segments ${ids.join(', ')}` : `${ids.length} segments`;

/** `2 min 8 s`, `45 s`, `3 h 12 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** Up to four digits that matter, without a tail of zeros: `0.1`, `0.00435`, `2.342`. */
export const formatNumber = (value: number): string => String(Number(value.toPrecision(4)));
