// Asks for a password: on a terminal twice and without echo, else one line of standard input, for scripts. Never an argument, which
// everybody on the machine could read.
import { stdin, stderr } from 'node:process';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** @throws Error if there is none, or the two differ. */
export async function askPassword(name: string): Promise<string> {
  if (!stdin.isTTY) return lineOf(await firstLine(), name);
  const first = await hidden(`Password of ${name}: `);
  const again = await hidden('Once more: ');
  if (first !== again) throw new Error('the two passwords differ');
  return lineOf(first, name);
}

function lineOf(password: string | undefined, name: string): string {
  if (password) return password;
  throw new Error(`expected the password of ${name} on standard input, got none`);
}

async function firstLine(): Promise<string | undefined> {
  for await (const line of createInterface({ input: stdin })) return line;
  return undefined;
}

async function hidden(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, terminal: true });
  stderr.write(question);
  try {
    return await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('SIGINT', () => reject(new Error('nothing was changed')));
    });
  } finally {
    lines.close();
    stderr.write('\n');
  }
}
