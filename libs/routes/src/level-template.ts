// A text with levels of an MQTT topic in it: `{1}` of `trucks/t-1/gps` is `t-1`. Levels count from 0. Keys of records and
// values of headers are such templates.

export interface LevelTemplate {
  /** Texts and levels (numbers), in turn. */
  readonly parts: readonly (string | number)[];
  readonly levels: readonly number[];
}

const LEVEL = /\{(\d{1,3})\}/;

/** Undefined: a brace that belongs to no level. */
export function parseTemplate(text: string): LevelTemplate | undefined {
  const parts = text.split(LEVEL).map((part, at) => (at % 2 === 1 ? Number(part) : part));
  if (parts.some((part) => typeof part === 'string' && /[{}]/.test(part))) return undefined;
  return {
    parts: parts.filter((part) => part !== ''),
    levels: parts.filter((part) => typeof part === 'number'),
  };
}

/** The template of the filter's `+` levels, joined with `-`. */
export const wildcardTemplate = (filter: string): string =>
  filter
    .split('/')
    .flatMap((level, at) => (level === '+' ? [`{${at}}`] : []))
    .join('-');

/** The first level of the template that topics of the filter may lack. */
export function levelBeyond({ levels }: LevelTemplate, filter: string): number | undefined {
  const known = filter.split('/').filter((level) => level !== '#').length;
  return filter.endsWith('#') ? undefined : levels.find((level) => level >= known);
}

/** Undefined if the topic lacks a level, or it is empty. */
export function expand({ parts }: LevelTemplate, topic: readonly string[]): string | undefined {
  let text = '';
  for (const part of parts) {
    const level = typeof part === 'number' ? topic[part] : part;
    if (level === undefined || level === '') return undefined;
    text += level;
  }
  return text;
}
