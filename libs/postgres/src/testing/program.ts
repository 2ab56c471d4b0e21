// Runs one of the programs of this folder from its source, in its own process.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Program {
  readonly pid: number;
  /** Its first line on stdout; rejects when it ends without one. */
  readonly firstLine: Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
  kill(signal: NodeJS.Signals): void;
}

export function run(file: string, ...args: readonly string[]): Program {
  const path = join(import.meta.dirname, file);
  const child = spawn(process.execPath, ['--import', './tools/swc-hook.mjs', path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    // Not `close`: a server that outlives the program holds its pipes.
    child.on('exit', (code) => setImmediate(() => resolve({ code, stderr })));
  });
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')));
    });
    void ended.then(() => reject(new Error(`${file} ended: ${stderr}`)));
  });
  firstLine.catch(() => {});
  return { pid: child.pid ?? 0, firstLine, ended, kill: (signal) => void child.kill(signal) };
}
