// Reads pages back, the little that tests need: tags with their attributes, and text without entities.

export interface Tag {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** What follows the tag, up to the next one. */
  readonly text: string;
}

const unescape = (text: string): string =>
  text
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&');

const withoutCode = (page: string): string => page.replace(/<(style|script)>[^]*?<\/\1>/g, '<$1></$1>');

/** All text of a page, with a space between elements. */
export const textOf = (page: string): string =>
  unescape(withoutCode(page).replace(/<[^<>]*>/g, ' ')).replace(/\s+/g, ' ');

/** All opening tags of a page, in order; style sheets and scripts are skipped. */
export function tags(page: string): readonly Tag[] {
  return [
    ...withoutCode(page).matchAll(/<([a-z][a-z0-9]*)((?:\s+[a-zA-Z0-9:-]+="[^"<>]*")*)\s*\/?>([^<]*)/g),
  ].map(([, name = '', attributes = '', text = '']) => ({
    name,
    attributes: Object.fromEntries(
      [...attributes.matchAll(/([a-zA-Z0-9:-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [
        key,
        unescape(value),
      ]),
    ),
    text: unescape(text),
  }));
}

/** Tags of a name, or of a class when it begins with a dot. */
export const find = (page: string, selector: string): readonly Tag[] =>
  tags(page).filter(({ name, attributes }) =>
    selector.startsWith('.')
      ? (attributes['class'] ?? '').split(' ').includes(selector.slice(1))
      : name === selector,
  );

/** The drawn segments, with what shows on hover. */
export const boxes = (page: string) => {
  const all = tags(page);
  return all.flatMap(({ attributes }, index) =>
    attributes['data-segment'] === undefined
      ? []
      : [
          {
            id: Number(attributes['data-segment']),
            classes: (attributes['class'] ?? '').split(' '),
            title: all[index + 1]?.text ?? '',
          },
        ],
  );
};

/** What a page would fetch. */
export const references = (page: string): readonly string[] => [
  ...tags(page).flatMap(({ attributes }) =>
    ['src', 'href', 'xlink:href', 'data', 'action'].flatMap((name) => attributes[name] ?? []),
  ),
  ...[...page.matchAll(/(?:url\(|@import\s+|https?:\/\/)[^\s"')]*/g)].map(([text]) => text),
];
