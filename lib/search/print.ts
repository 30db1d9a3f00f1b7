// Search spaces as text, one line a segment and one a group: what HALFSPACE_DEBUG=2 shows.

import { describeMember } from './inspect.js';
import type { SearchSpace } from './space.js';

/**
 * `segment 3 [conv relu] -> 4, 5: 148 parameters, removable` and
 * `group 0 = segment 3: conv.weight, conv.bias`.
 */
export function printSearchSpace({ segments, groups, maxRemovable }: SearchSpace): string {
  const lines = [
    ...segments.map(
      ({ id, nodes, next, params, reason }) =>
        `segment ${id} [${nodes.map((node) => node.name).join(' ')}] -> ${next.join(', ') || 'end'}: ` +
        `${params} parameters, ${reason === '' ? 'removable' : `stays: ${reason}`}`,
    ),
    ...groups.map(
      (group) =>
        `group ${group.id} = segment ${group.segments.join(', ')}: ${group.members.map(describeMember).join(', ')}`,
    ),
    `at most ${maxRemovable} of ${groups.length} groups can go together`,
  ];
  return lines.join('\n') + '\n';
}
