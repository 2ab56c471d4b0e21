// The content of a file that a setting names.
import { readFileSync } from 'node:fs';

/** Undefined without a path. @throws Error naming the setting, what was expected, and the path; never the content. */
export function textOfSetting(
  variable: string,
  path: string | undefined,
  isRight: RegExp,
  expected: string,
): string | undefined {
  if (path === undefined) return undefined;
  const text = textOf(variable, path);
  if (!isRight.test(text)) throw new Error(`${variable}: expected ${expected} in ${path}, got something else`);
  return text;
}

/** One line, without the line break at its end. */
export const passwordOfSetting = (variable: string, path: string | undefined): string | undefined =>
  textOfSetting(variable, path, /^[^\r\n]+\r?\n?$/, 'a password')?.replace(/\r?\n$/, '');

function textOf(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(
      `${variable}: expected a file that can be read, got ${path} (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}
