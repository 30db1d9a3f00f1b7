// Lists in messages, which files could make as long as they please.

const most = 8;

/** The first few of `items`, and how many there are beside them. */
export function firstFew(items: readonly string[]): string {
  const more = items.length > most ? ` and ${items.length - most} more` : '';
  return `${items.slice(0, most).join(', ')}${more}`;
}
