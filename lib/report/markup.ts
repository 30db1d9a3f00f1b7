// Text and markup are different types: whatever enters a page is escaped unless `html` made it. This is
// the only file that escapes.

/** Finished HTML or SVG. */
export interface Markup {
  readonly markup: string;
}

/** What a template accepts: text is escaped, markup is not, lists are joined, nothing is left out. */
export type Content = Markup | string | number | null | undefined | false | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Safe between tags and inside quoted attributes; characters that XML forbids become U+FFFD. */
export const escape = (text: string): string =>
  text
    .replace(/[&<>"']/g, (letter) => entities[letter] as string)
    // eslint-disable-next-line no-control-regex -- these are what XML forbids
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd');

/** A template of HTML or SVG: html`<b>${text}</b>`. */
export const html = (strings: TemplateStringsArray, ...values: readonly Content[]): Markup => ({
  markup: String.raw({ raw: strings }, ...values.map(render)),
});

/** For text of our own that is markup already: a style sheet, a script. */
export const trusted = (markup: string): Markup => ({ markup });

function render(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (typeof content === 'string') return escape(content);
  if (typeof content === 'number') return String(content);
  return isList(content) ? content.map(render).join('') : content.markup;
}

const isList = (content: Markup | readonly Content[]): content is readonly Content[] =>
  Array.isArray(content);
