// Reads a small text by HTTP or from a file, bounded in time and size.
//
// Never: follows a redirect, since the address was chosen by the operator and the one behind it was not.
import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ReadText } from '@milepost/core';

export const nodeReadText: ReadText = async (url, { timeoutMs, maxBytes }) => {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const isFile = new URL(url).protocol === 'file:';
    return await textOf(
      isFile ? createReadStream(fileURLToPath(url), { signal }) : await bodyOf(url, signal),
      maxBytes,
    );
  } catch (failure) {
    if (signal.aborted) throw new Error(`no complete response within ${timeoutMs} ms`);
    throw new Error(reasonOf(failure as Error));
  }
};

async function bodyOf(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const response = await fetch(url, { redirect: 'manual', signal, headers: { accept: 'application/json' } });
  if (response.ok && response.body) return response.body;
  await response.body?.cancel();
  throw new Error(`expected HTTP 200, seen ${response.status}`);
}

async function textOf(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw new Error(`expected at most ${maxBytes} bytes, seen more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The message of `fetch` is only "fetch failed"; its cause says why. */
function reasonOf({ message, cause }: Error): string {
  const { message: reason, code } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  return reason || code || message;
}
