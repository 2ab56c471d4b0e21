// A file of settings: MILEPOST_SETTINGS_FILE, else settings.env in the data folder, if there is one. `milepost secure` writes it.
// A line is NAME=value, as in a Compose file; # begins a comment. The environment wins over the file.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const SETTINGS_FILE = 'settings.env';

type Environment = Record<string, string | undefined>;

const LINE = /^(?<name>(?:MILEPOST|KAFKA|OTEL)_[A-Z0-9_]+|DATABASE_URL)=(?<value>.*)$/;

/** Adds the file's settings to `environment`, before it is read. @throws Error naming file and line. */
export function addSettingsFile(environment: Environment): void {
  const named = environment['MILEPOST_SETTINGS_FILE'];
  const path = named || join(environment['MILEPOST_DATA_DIR'] || './data', SETTINGS_FILE);
  if (!named && !existsSync(path)) return;
  for (const [name, value] of settingsIn(textOf(path), path)) environment[name] ??= value;
}

function settingsIn(text: string, path: string): [string, string][] {
  return text.split('\n').flatMap((raw, at): [string, string][] => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const { name, value } = LINE.exec(line)?.groups ?? {};
    if (name === undefined || value === undefined)
      throw new Error(`${path}, line ${at + 1}: expected NAME=value with a setting's name, or a comment`);
    return [[name, value]];
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(
      `MILEPOST_SETTINGS_FILE: expected a file that can be read, got ${path} (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}
