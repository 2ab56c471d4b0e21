// Sends a dead letter again, through the intake and by the routes of now: after a route was corrected, it becomes what it should have been.
//
// Promises: nothing is stored if any of it would be a dead letter again, or if its device may not publish it. A position without a time of
// its own gets that of the first receipt; the records themselves are received now.
import type { Clock } from '@milepost/core';
import { dryRun } from '@milepost/ingress';
import type { Position } from '@milepost/fleet';
import type { Route } from '@milepost/routes';
import type { DeviceDirectory, DeviceIdentity } from '@milepost/security';
import type { RecordToSend } from '@milepost/streams';
import { ConflictException } from '@nestjs/common';
import type { SentAgain } from '../views.ts';
import type { WholeLetter } from './dead-letter-log.ts';

export interface ResendDeps {
  readonly clock: Clock;
  readonly routes: readonly Route[];
  readonly devices: Pick<DeviceDirectory, 'find'>;
  readonly encode: (position: Position) => Buffer;
  readonly send: (records: readonly RecordToSend[]) => Promise<void>;
}

/** @throws ConflictException, with the reason, if it would not become records */
export async function resend(letter: WholeLetter, deps: ResendDeps): Promise<SentAgain> {
  const { payload, view } = letter;
  const { clock, devices, encode, routes, send } = deps;
  const identity = view.principal === null ? undefined : await identityOf(view.principal, devices);
  const receivedAtMs = Date.parse(view.receivedAt);
  const publish = { topic: view.topic, payload, client: view.client, identity, encode };
  const { records } = await dryRun(routes, publish, at(clock, receivedAtMs));
  const dead = records.find(({ isDeadLetter }) => isDeadLetter);
  if (dead)
    throw new ConflictException(
      `it would be a dead letter again (${dead.headers['reason']}): ${dead.headers['detail']}; nothing is stored`,
    );
  if (records.length === 0)
    throw new ConflictException(
      `${view.principal ?? view.client} may not publish this to ${view.topic}; nothing is stored`,
    );
  const timestamp = clock.now();
  await send(
    records.map(({ headers, key, topic, value }) => ({
      topic,
      key: key === null ? null : Buffer.from(key),
      value,
      headers: new Map(
        Object.entries({ ...headers, 'dead-letter': view.id }).map(([name, text]) => [name, Buffer.from(text)]),
      ),
      timestamp,
    })),
  );
  return { records: records.map(({ key, topic }) => ({ topic, key })) };
}

/** Of a device that is in no list (it has a certificate): it may publish as itself. */
async function identityOf(principal: string, devices: Pick<DeviceDirectory, 'find'>): Promise<DeviceIdentity> {
  const id = principal.replace(/^User:/, '');
  const [device] = await devices.find([id]);
  return { id, publish: device?.publish ?? [], subscribe: device?.subscribe ?? [] };
}

const at = (clock: Clock, nowMs: number): Clock => ({
  now: () => nowMs,
  monotonic: () => clock.monotonic(),
  after: (delayMs, run) => clock.after(delayMs, run),
});
