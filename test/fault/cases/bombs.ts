import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { ErrorCode, Timestamp } from '@milepost/core';
import { nodeNetwork } from '@milepost/node-host';
import { buildBatch, type Codec, type RecordToBuild } from '@milepost/records';
import { CreateTopics, Produce } from '@milepost/wire';
import { RawClient } from '../../../libs/broker/src/testing/raw-client.ts';
import { check } from '../../support/run.ts';
import type { FaultCase } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { Fleet } from '../support/fleet.ts';

const UNPACKED_BYTES = 120 * 1024 * 1024;
/** With one byte of value each: 8 bytes of the batch. The bytes are few, the records are not. */
const TINY_RECORDS = 4_000_000;
const BOMBS = 24;
const CONNECTIONS = 3;
const TOPIC = 'bombs';
const CODECS: readonly Codec[] = ['zstd', 'gzip', 'lz4'];
/** Of the appliance's process, its peak. */
const MOST_MEMORY_BYTES = 2 * 1024 ** 3;

export const bombs: FaultCase = {
  name: 'bombs',
  claim: 'batches of a few KB that unpack to gigabytes keep neither devices nor health checks from their turn',
  async run({ note }) {
    const appliance = await Appliance.start();
    const fleet = Fleet.start(appliance, 1);
    await fleet.goesOn();
    const timestamp = Timestamp(Date.now());
    const one = [{ key: null, value: Buffer.alloc(UNPACKED_BYTES), timestamp }];
    const tiny = Array<RecordToBuild>(TINY_RECORDS).fill({ key: null, value: Buffer.of(0), timestamp });
    const batches = CODECS.flatMap((compression) => [one, tiny].map((records) => buildBatch({ compression, records })));
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(appliance)));
    const topic = { name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    await clients[0]?.ask(CreateTopics, 7, { topics: [topic], timeoutMs: 30_000 });

    let answered = 0;
    await longestTurnMs(appliance); // counts from here on
    const sent = clients.flatMap((client) =>
      Array.from({ length: BOMBS / CONNECTIONS }, async (_, at) => {
        const records = batches[at % batches.length] as Buffer;
        const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
        const { responses } = await client.ask(Produce, 9, {
          transactionalId: null,
          acks: -1,
          timeoutMs: 60_000,
          topicData,
        });
        answered++;
        return responses[0]?.partitionResponses[0]?.errorCode;
      }),
    );
    const turns = { health: 0, positions: 0 };
    let slowestHealthMs = 0;
    const before = fleet.trucks[0]?.acknowledged.length ?? 0;
    while (answered < BOMBS) {
      const asked = performance.now();
      check((await appliance.get('/health/live')).status === 200, 'the appliance is alive', 'not');
      slowestHealthMs = Math.max(slowestHealthMs, performance.now() - asked);
      if (answered < BOMBS) turns.health++;
      await pause(20);
      turns.positions = (fleet.trucks[0]?.acknowledged.length ?? 0) - before;
    }
    const codes = new Set(await Promise.all(sent));
    const turnMs = await longestTurnMs(appliance);
    const peakBytes = peakMemoryBytes(appliance);
    note(
      `${BOMBS} batches of ${batches.map(({ length }) => length).join(', ')} bytes: ` +
        `${turns.health} health checks (the slowest ${Math.round(slowestHealthMs)} ms) and ${turns.positions} positions meanwhile; ` +
        `the longest turn of the event loop ${Math.round(turnMs)} ms, peak memory ${Math.round(peakBytes / 1024 ** 2)} MB`,
    );
    check(peakBytes < MOST_MEMORY_BYTES, 'they are unpacked within two gigabytes of memory', peakBytes);
    const allowed: unknown[] = [ErrorCode.NONE, ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.INVALID_RECORD];
    check(
      [...codes].every((code) => allowed.includes(code)),
      'each is stored or refused',
      [...codes],
    );
    const least = BOMBS / 6;
    check(turns.health >= least && turns.positions >= least, 'others have their turns meanwhile', turns);
    for (const client of clients) client.close();
    await fleet.stop();
    await fleet.verify(appliance);
    check((await appliance.stop()) === 0, 'a clean stop', appliance.log);
  },
};

const connect = ({ ports }: Appliance): Promise<RawClient> =>
  RawClient.connect(nodeNetwork, { host: '127.0.0.1', port: ports.kafka });

/** Since the last call, as the appliance measures it: of a busy machine too. */
async function longestTurnMs(appliance: Appliance): Promise<number> {
  const metrics = await (await appliance.get('/metrics')).text();
  const seconds = /^nodejs_eventloop_lag_max_seconds(?:{[^}]*})? (\S+)$/m.exec(metrics)?.[1];
  check(seconds !== undefined, 'the delay of the event loop is measured', metrics);
  return Number(seconds) * 1_000;
}

/** 0 where the system does not show it. */
function peakMemoryBytes({ pid }: Appliance): number {
  if (process.platform !== 'linux') return 0;
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}
