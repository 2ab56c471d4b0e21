// A password that the user types, which the terminal does not show; or the first line of standard input, for scripts.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** @throws Error if there is none. */
export async function askedPassword(question: string): Promise<string> {
  const isTerminal = process.stdin.isTTY;
  if (isTerminal) process.stderr.write(question);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: hidden, terminal: isTerminal });
  const password = await new Promise<string>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(''));
    lines.once('SIGINT', () => lines.close());
  });
  lines.close();
  if (isTerminal) process.stderr.write('\n');
  if (password === '') throw new Error('expected a password, seen none');
  return password;
}
