// Trucks that publish as fast as they are acknowledged, and the cost of that for the appliance.
import { LoadClient } from './mqtt-load.ts';
import type { ProgramUnderTest } from './program.ts';

export interface Acknowledged {
  readonly acknowledged: number;
  readonly elapsedS: number;
}

export async function pipelined(clients: readonly LoadClient[], window: number, forS: number): Promise<Acknowledged> {
  const began = performance.now();
  const isOver = (): boolean => performance.now() - began > forS * 1000;
  let acknowledged = 0;
  await Promise.all(clients.map((client) => client.pipeline(window, isOver, () => (acknowledged += 1))));
  return { acknowledged, elapsedS: (performance.now() - began) / 1000 };
}

/** The cost of a load for the appliance, including the rest of its consumers' work. */
export async function measured(program: ProgramUnderTest, load: () => Promise<Acknowledged>) {
  const before = await program.cost();
  const { acknowledged, elapsedS } = await load();
  await sleep(500);
  const cpuSeconds = (await program.cost()).cpuSeconds - before.cpuSeconds;
  return { perSecond: acknowledged / elapsedS, cpuMicroseconds: (cpuSeconds / acknowledged) * 1e6 };
}

export async function connected(program: ProgramUnderTest, count: number, prefix: string): Promise<LoadClient[]> {
  const clients: LoadClient[] = [];
  for (let at = 0; at < count; at += 100) {
    const some = Array.from({ length: Math.min(100, count - at) }, (_, n) =>
      LoadClient.connect(program.ports.mqtt, `${prefix}-${at + n}`),
    );
    clients.push(...(await Promise.all(some)));
  }
  return clients;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
