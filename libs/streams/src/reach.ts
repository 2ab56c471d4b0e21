// At a start: waits until a Kafka responds, because programs and brokers start in parallel. A failure that waiting does
// not change (a wrong password, an unknown certificate) is reported immediately.
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@milepost/core';
import { Admin } from '@platformatic/kafka';
import { kafkaFailure } from './failure.ts';
import { connectionOptions, type KafkaAddress } from './kafka-address.ts';

export interface Patience {
  readonly waitMs: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** @throws KafkaUnusable: where, why, and the cure; the reason that `signal` was aborted with. */
export async function reachKafka(address: KafkaAddress, { waitMs, logger, signal }: Patience): Promise<void> {
  const until = performance.now() + waitMs;
  for (let tries = 1; ; tries++) {
    const failure = await whyNot(address);
    if (!failure) return;
    if (!failure.isAway || performance.now() + LOOK_EVERY_MS > until) throw failure;
    if (tries === 1) logger.warn({ waitSeconds: Math.round(waitMs / 1000) }, `waiting: ${failure.message}`);
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
}

async function whyNot(address: KafkaAddress): Promise<ReturnType<typeof kafkaFailure> | undefined> {
  const admin = new Admin({
    clientId: 'milepost-start',
    ...connectionOptions(address),
    retries: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
  try {
    await admin.metadata({ topics: [], autocreateTopics: false });
    return undefined;
  } catch (error) {
    return kafkaFailure(address, error);
  } finally {
    await admin.close();
  }
}
