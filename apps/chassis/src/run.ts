// A program on the command line: signals in, one ready line and an exit status out. A user's mistake is one line.
import { type Program, type ProgramOptions, startProgram } from './program.ts';

/** After this long a stop is no longer called clean, and the process ends. */
const STOP_LIMIT_MS = 120_000;
/** A launcher passes on the Ctrl-C that the terminal has sent us already: the same wish, not a second one. */
const SAME_SIGNAL_MS = 1_000;

/** Runs until a signal or a failed start. `afterStart` is for what comes on top, such as the demo's trucks. */
export async function runProgram(
  options: ProgramOptions,
  afterStart?: (program: Program) => Promise<{ stop(): Promise<void> }>,
): Promise<void> {
  const began = performance.now();
  const starting = startProgram(options);
  let extra: { stop(): Promise<void> } | undefined;
  onSignal(async () => {
    const program = await starting;
    await extra?.stop();
    await program.stop();
  });
  try {
    const program = await starting;
    const ports = program.ports;
    program.logger.info({ ports, data: program.settings.dataDir, ms: Math.round(performance.now() - began) }, 'ready');
    process.stdout.write(`${JSON.stringify({ ready: true, ports })}\n`);
    extra = await afterStart?.(program);
  } catch (error) {
    fail(error);
    process.exit();
  }
}

/** Prints what went wrong: each line of the message, and the stack only with --verbose. */
export function fail(error: unknown): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  for (const line of message.split('\n')) process.stderr.write(`milepost: ${line}\n`);
  if (process.argv.includes('--verbose')) process.stderr.write(`${stack}\n`);
  process.exitCode = 1;
}

/** The first signal stops cleanly, a later one at once. */
function onSignal(stop: () => Promise<void>): void {
  let firstMs: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (firstMs !== undefined && performance.now() - firstMs < SAME_SIGNAL_MS) return;
      if (firstMs !== undefined) process.exit(130);
      firstMs = performance.now();
      setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          fail(error);
          process.exit(1);
        },
      );
    });
}
