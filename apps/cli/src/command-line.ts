// The command line of `milepost`: the command and its options. Help and the version start nothing; an unknown word is
// refused in one line.
import { parseArgs } from 'node:util';

export interface Command {
  readonly does: string;
  /** Beside --help and --verbose, each with its help text. 'own': the command parses its arguments itself. */
  readonly options?: Readonly<Record<string, OptionHelp>> | 'own';
  /** The name of its one argument beside options. */
  readonly operand?: string;
}
export interface OptionHelp {
  /** The name of its value. */
  readonly value: string;
  readonly does: string;
}

export type CommandLine =
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'run'; readonly name: string; readonly args: readonly string[] };

/** The user's mistake, with the cure. */
export class WrongCommandLine extends Error {
  override readonly name = 'WrongCommandLine';
}

/** `args`: without the program's own name. @throws WrongCommandLine */
export function readCommandLine(
  args: readonly string[],
  commands: Readonly<Record<string, Command>>,
  version: string,
): CommandLine {
  const [name = 'help', ...rest] = args.filter((arg) => arg !== '--verbose');
  if (isHelp(name)) return { kind: 'print', text: usage(commands) };
  if (name === '--version' || name === 'version') return { kind: 'print', text: `${version}\n` };
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new WrongCommandLine(`unknown command "${name}"; one of: ${Object.keys(commands).join(', ')}`);
  if (command.options === 'own') return { kind: 'run', name, args: rest };
  if (rest.some(isHelp)) return { kind: 'print', text: usageOf(name, command) };
  check(name, command.options ?? {}, rest, command.operand);
  return { kind: 'run', name, args: rest };
}

const isHelp = (arg: string): boolean => arg === 'help' || arg === '--help' || arg === '-h';

function check(
  name: string,
  options: Readonly<Record<string, OptionHelp>>,
  args: readonly string[],
  operand: string | undefined,
): void {
  const known = Object.fromEntries(Object.keys(options).map((option) => [option, { type: 'string' }] as const));
  try {
    parseArgs({ args: [...args], options: known, strict: true, allowPositionals: operand !== undefined });
  } catch (error) {
    const all = [...Object.keys(options), 'verbose', 'help'].map((option) => `--${option}`);
    const problem = (error as Error).message.replace(/\.\s.*$/s, '');
    throw new WrongCommandLine(`${name}: ${problem}; the options are ${all.join(' ')}`);
  }
}

function usage(commands: Readonly<Record<string, Command>>): string {
  const lines = Object.entries(commands).map(([word, { does }]) => `  ${word.padEnd(14)} ${does}`);
  return [
    'usage: milepost <command> [--help] [--verbose]',
    '       milepost --version',
    '',
    ...lines,
    '',
    SETTINGS,
    '',
  ].join('\n');
}

function usageOf(name: string, { does, operand, options }: Command): string {
  const lines = Object.entries(options === undefined || options === 'own' ? {} : options).map(
    ([option, { does: meaning, value }]) => `  ${`--${option} ${value}`.padEnd(24)} ${meaning}`,
  );
  return [
    `usage: milepost ${name} ${operand === undefined ? '' : `<${operand}> `}[options]`,
    `  ${does}`,
    '',
    ...lines,
    `  ${'--verbose'.padEnd(24)} more about an error`,
    '',
    SETTINGS,
    '',
  ].join('\n');
}

const SETTINGS = 'Settings are environment variables: `milepost config` lists them.';
