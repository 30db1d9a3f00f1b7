// Text and markup are different types: whatever enters a page is escaped unless it was made here. This is
// the only file that escapes, and the only one that writes angle brackets.

/** Finished HTML or SVG. */
export interface Markup {
  readonly markup: string;
}

/** What an element may hold: text is escaped, markup is not, lists are joined, nothing is left out. */
export type Content = Markup | string | number | null | undefined | false | readonly Content[];

/** Attributes by name; those without a value are left out, numbers are rounded as for drawings. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Safe between tags and inside quoted attributes; characters that XML forbids become U+FFFD. */
const escape = (text: string): string =>
  text
    .replace(/[&<>"']/g, (letter) => entities[letter] as string)
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');

/** `<name a="1">...</name>`, as HTML and SVG both read it. */
export function element(name: string, attributes: Attributes, ...children: readonly Content[]): Markup {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const written = given.map(([key, value]) => ` ${key}="${escape(attribute(value as string | number))}"`);
  return { markup: `<${name}${written.join('')}>${children.map(render).join('')}</${name}>` };
}

const attribute = (value: string | number): string =>
  typeof value === 'number' ? String(round(value)) : value;

/** A hundredth of a pixel is enough for drawings. */
export const round = (value: number): number => Math.round(value * 100) / 100;

/** For text of our own that is markup already: a style sheet, a script. */
export const trusted = (text: string): Markup => ({ markup: text });

/** Contents as they stand in a page. */
export function render(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (typeof content === 'string') return escape(content);
  if (typeof content === 'number') return String(content);
  return isList(content) ? content.map(render).join('') : content.markup;
}

const isList = (content: Markup | readonly Content[]): content is readonly Content[] =>
  Array.isArray(content);
