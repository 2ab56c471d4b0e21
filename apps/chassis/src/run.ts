// A program on the command line: handles signals, prints one ready line and exits with a status. A user's mistake is
// one line.
import { addSettingsFile } from './settings-file.ts';
import { type Program, type ProgramOptions, startProgram } from './program.ts';

/** After this long a stop is no longer clean, and the process ends. */
const STOP_LIMIT_MS = 120_000;
/** A launcher passes on the Ctrl-C that the terminal has also sent to us: one request, not two. */
const SAME_SIGNAL_MS = 1_000;

export interface Stoppable {
  stop(): Promise<void>;
}

/** Runs until a signal or a failed start. `afterStart` adds more to a running program, such as the demo's trucks. */
export async function runProgram(
  options: Omit<ProgramOptions, 'abort'>,
  afterStart?: (program: Program) => Promise<Stoppable>,
): Promise<void> {
  const began = performance.now();
  const wish = stopSignal();
  const running: Stoppable[] = [];
  try {
    addSettingsFile(process.env);
    const program = await startProgram({ ...options, abort: wish });
    running.unshift(program);
    const { ports, settings, logger } = program;
    logger.info(
      { ports, data: settings.dataDir, ms: Math.round(performance.now() - began) },
      `${options.name} is ready`,
    );
    process.stdout.write(`${JSON.stringify({ ready: true, ports })}\n`);
    if (afterStart) running.unshift(await afterStart(program));
    if (!wish.aborted) await new Promise((resolve) => wish.addEventListener('abort', resolve, { once: true }));
  } catch (error) {
    if (!wish.aborted) fail(error);
  }
  for (const stoppable of running) await stoppable.stop().catch(fail);
  process.exit();
}

/** Prints the failure: each line of the message, and the stack only with --verbose. */
export function fail(error: unknown): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  for (const line of message.split('\n')) process.stderr.write(`milepost: ${line}\n`);
  if (process.argv.includes('--verbose')) process.stderr.write(`${stack}\n`);
  process.exitCode = 1;
}

/**
 * Aborted by the first SIGINT or SIGTERM, or when the program at the other end of our channel (`ipc`) is gone or lets go; a
 * later signal ends the process immediately.
 */
export function stopSignal(): AbortSignal {
  const wish = new AbortController();
  let firstMs: number | undefined;
  const wished = (): void => {
    if (firstMs !== undefined && performance.now() - firstMs < SAME_SIGNAL_MS) return;
    if (firstMs !== undefined) process.exit(130);
    firstMs = performance.now();
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    wish.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, wished);
  if (process.connected) process.once('disconnect', () => (firstMs === undefined ? wished() : undefined));
  return wish.signal;
}
