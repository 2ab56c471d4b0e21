// A coordinator that loads its shards while the broker starts: a start that is aborted closes it, which ends the wait.

/** Resolves when the shards are loaded. @throws the signal's reason */
export async function loadedOrClosed(
  aborted: AbortSignal,
  coordinator: { close(): Promise<void> },
  load: () => Promise<void>,
): Promise<void> {
  const giveUp = (): void => void coordinator.close();
  aborted.addEventListener('abort', giveUp, { once: true });
  try {
    aborted.throwIfAborted();
    await load();
    aborted.throwIfAborted();
  } finally {
    aborted.removeEventListener('abort', giveUp);
  }
}
