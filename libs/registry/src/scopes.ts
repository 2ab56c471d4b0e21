// The compatibility level and the mode of all subjects, and of one: what a subject does not have it inherits.
import { refusal } from './refusal.ts';
import {
  COMPATIBILITY_LEVELS,
  type CompatibilityLevel,
  GLOBAL,
  type Mode,
  MODES,
  type RegistryReader,
  type RegistryStore,
} from './store.ts';
import { checkSubject } from './subject.ts';

const DEFAULT_LEVEL: CompatibilityLevel = 'BACKWARD';
const DEFAULT_MODE: Mode = 'READWRITE';

export const isReadOnly = (mode: Mode): boolean => mode === 'READONLY' || mode === 'READONLY_OVERRIDE';

export async function levelOf(reader: RegistryReader, subject: string): Promise<CompatibilityLevel> {
  return (await reader.scope(subject)).compatibility ?? (await reader.scope(GLOBAL)).compatibility ?? DEFAULT_LEVEL;
}

/** READONLY_OVERRIDE of all subjects goes before a subject's own. */
export async function modeOf(reader: RegistryReader, subject: string): Promise<Mode> {
  const { mode = DEFAULT_MODE } = await reader.scope(GLOBAL);
  return mode === 'READONLY_OVERRIDE' ? mode : ((await reader.scope(subject)).mode ?? mode);
}

/** GLOBAL stands for all subjects. */
export class RegistryScopes {
  readonly #store: RegistryStore;

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  /** @throws RegistryRefusal for a subject that has none, unless it shall inherit. */
  async compatibility(subject: string, inherits: boolean): Promise<CompatibilityLevel> {
    checkScope(subject);
    return this.#store.read(async (reader) => {
      if (inherits || subject === GLOBAL) return levelOf(reader, subject);
      const { compatibility } = await reader.scope(subject);
      if (!compatibility) throw refusal.noSubjectCompatibility(subject);
      return compatibility;
    });
  }

  /** @throws RegistryRefusal */
  async setCompatibility(subject: string, wanted: unknown): Promise<CompatibilityLevel> {
    checkScope(subject);
    const level = COMPATIBILITY_LEVELS.find((one) => one === String(wanted).toUpperCase());
    if (typeof wanted !== 'string' || !level) throw refusal.invalidCompatibility(wanted);
    return this.#store.change(async (writer) => {
      await writer.setScope(subject, { ...(await writer.scope(subject)), compatibility: level });
      return level;
    });
  }

  /** Returns the one that was removed. @throws RegistryRefusal */
  async removeCompatibility(subject: string): Promise<CompatibilityLevel> {
    checkScope(subject);
    return this.#store.change(async (writer) => {
      const { compatibility, ...others } = await writer.scope(subject);
      if (!compatibility && subject !== GLOBAL) throw refusal.noSubjectCompatibility(subject);
      await writer.setScope(subject, others);
      return compatibility ?? DEFAULT_LEVEL;
    });
  }

  /** @throws RegistryRefusal for a subject that has none, unless it shall inherit. */
  async mode(subject: string, inherits: boolean): Promise<Mode> {
    checkScope(subject);
    return this.#store.read(async (reader) => {
      if (inherits || subject === GLOBAL) return modeOf(reader, subject);
      const { mode } = await reader.scope(subject);
      if (!mode) throw refusal.noSubjectMode(subject);
      return mode;
    });
  }

  /** Imported schemas bring their ids: where there are schemas, they could be other ones. @throws RegistryRefusal */
  async setMode(subject: string, wanted: unknown, isForced: boolean): Promise<Mode> {
    checkScope(subject);
    const mode = MODES.find((one) => one === wanted);
    if (!mode || (mode === 'READONLY_OVERRIDE' && subject !== GLOBAL)) throw refusal.invalidMode(wanted);
    return this.#store.change(async (writer) => {
      if (mode === 'IMPORT' && !isForced) {
        const subjects = await writer.subjects();
        if (subject === GLOBAL ? subjects.length > 0 : subjects.some((one) => one.subject === subject))
          throw refusal.notPermitted(`Cannot import since found existing subjects: expected none, or force=true`);
      }
      await writer.setScope(subject, { ...(await writer.scope(subject)), mode });
      return mode;
    });
  }

  /** Returns the one that was removed. @throws RegistryRefusal */
  async removeMode(subject: string): Promise<Mode> {
    checkScope(subject);
    return this.#store.change(async (writer) => {
      const { mode, ...others } = await writer.scope(subject);
      if (!mode && subject !== GLOBAL) throw refusal.noSubjectMode(subject);
      await writer.setScope(subject, others);
      return mode ?? DEFAULT_MODE;
    });
  }
}

function checkScope(subject: string): void {
  if (subject !== GLOBAL) checkSubject(subject);
}
