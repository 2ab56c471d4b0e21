// The files of a log with transactions, as Apache Kafka's DumpLogSegments reads them: control batches, `.txnindex`, and the
// snapshots of producers, and the records of `__transaction_state`. The logs are written here, by our libraries: no broker is
// needed.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerId, ErrorCode, errorName, LeaderEpoch, Offset, Timestamp, Uuid } from '@milepost/core';
import { type Log, LogDirectory, logConfigOf } from '@milepost/log';
import { nodeHost } from '@milepost/node-host';
import { buildBatch } from '@milepost/records';
import { transactionRecord } from '../../libs/coordinators/src/transaction/echo/transaction-records.ts';
import { TransactionalProducer } from '../../libs/log/src/testing.ts';
import { check, type Report } from '../support/run.ts';
import type { Jvm } from './jvm.ts';

const TOPIC_ID = Uuid('11111111-2222-4333-8444-555555555555');
const RECORDS = 3_000;
const PRODUCERS = 5;
const RECORDS_IN_TRANSACTION = 7;

export async function transactionFileCases(report: Report, _: string, jvm: Jvm, folder: string): Promise<void> {
  await report.run('DumpLogSegments reads the markers, the aborted transactions and the producers of our files', () =>
    writtenAndDumped(jvm, join(folder, 'files')),
  );
  await report.run('DumpLogSegments decodes the transactions that we echo in __transaction_state', () =>
    echoedAndDecoded(jvm, join(folder, 'state')),
  );
}

async function writtenAndDumped(jvm: Jvm, folder: string): Promise<void> {
  const identity = { clusterId: 'transaction-files', brokerId: BrokerId(1) };
  const directory = await LogDirectory.open(nodeHost(), folder, identity, { flush: 'always' });
  const log = await directory.create('t', TOPIC_ID, 0, logConfigOf({ 'segment.bytes': '65536' }));
  const markers = writeTransactions(log);
  const aborted = log.abortedTransactions(Offset(0), log.logEndOffset);
  const open = log.activeProducers().filter(({ currentTransactionStart }) => currentTransactionStart >= 0);
  await directory.close();
  check(aborted.length > 100 && open.length > 0, 'transactions were aborted and are open', aborted.length);

  const partition = join(folder, 't-0');
  const dump = async (extension: string, ...options: string[]): Promise<string> => {
    const names = readdirSync(partition).filter((name) => name.endsWith(extension));
    check(names.length > 0, `there are ${extension} files`, readdirSync(partition));
    const files = names.map((name) => join(partition, name)).join(',');
    const { status, stdout, stderr } = await jvm.run('org.apache.kafka.tools.DumpLogSegments', [
      '--files',
      files,
      ...options,
    ]);
    // It reports that offset -1 is followed by the first one of every file.
    const complaints = stderr
      .split('\n')
      .filter((line) => !/^Non-consecutive offsets in|^ *-1 is followed by|^$/.test(line));
    check(status === 0 && complaints.length === 0, `${extension} files are dumped`, complaints.join('\n'));
    return stdout;
  };

  const index = await dump('.txnindex');
  const expected = aborted.map(
    ({ producerId, firstOffset, lastOffset, lastStableOffset }) =>
      `version: 0 producerId: ${producerId} firstOffset: ${firstOffset} lastOffset: ${lastOffset} lastStableOffset: ${lastStableOffset}`,
  );
  const entries = index.split('\n').filter((line) => line.startsWith('version:'));
  check(entries.join('\n') === expected.join('\n'), 'each aborted transaction once, in order', entries.slice(0, 5));

  const batches = await dump('.log', '--deep-iteration');
  check(!/isvalid: false/.test(batches), 'no invalid batch', /^.*isvalid: false.*$/m.exec(batches)?.[0]);
  const ends = [...batches.matchAll(/endTxnMarker: (\w+) coordinatorEpoch: (\d+)/g)].map(
    ([, end, epoch]) => `${end} ${epoch}`,
  );
  check(ends.join() === markers.join(), 'each marker, with its coordinator epoch', ends.slice(0, 5));

  const snapshots = await dump('.snapshot');
  for (const { producerId, producerEpoch, currentTransactionStart: start } of open) {
    const line = `producerId: ${producerId} producerEpoch: ${producerEpoch} coordinatorEpoch: 7 currentTxnFirstOffset: OptionalLong[${start}]`;
    check(snapshots.includes(line), `the open transaction of producer ${producerId}`, snapshots.slice(-1_000));
  }
}

/** As Kafka names them, in their order. */
function writeTransactions(log: Log): string[] {
  const producers = Array.from({ length: PRODUCERS }, (_, n) => new TransactionalProducer(log, BigInt(n + 1)));
  const markers: string[] = [];
  for (let n = 0; n < RECORDS; n++) {
    const producer = producers[n % PRODUCERS] as TransactionalProducer;
    producer.send(`record ${n}`, `key ${n % 100}`);
    if (n % RECORDS_IN_TRANSACTION > 0) continue;
    const end = n % 2 === 0 ? 'abort' : 'commit';
    producer.end(end, { coordinatorEpoch: 7 });
    markers.push(`${end.toUpperCase()} 7`);
  }
  producers[0]?.send('open');
  return markers;
}

async function echoedAndDecoded(jvm: Jvm, folder: string): Promise<void> {
  const identity = { clusterId: 'transaction-state', brokerId: BrokerId(1) };
  const directory = await LogDirectory.open(nodeHost(), folder, identity, { flush: 'always' });
  const log = await directory.create('__transaction_state', TOPIC_ID, 0, logConfigOf({}));
  const transaction = {
    transactionalId: 'loader-1',
    producerId: 7n,
    previousProducerId: 5n,
    nextProducerId: 9n,
    producerEpoch: 3,
    lastProducerEpoch: 2,
    timeoutMs: 60_000,
    partitions: [0, 2].map((partition) => ({ topic: 'trucks', partition })),
    startedAt: Timestamp(1_700_000_000_000),
    updatedAt: Timestamp(1_700_000_000_500),
    clientVersion: 2,
  } as const;
  for (const state of ['Ongoing', 'PrepareCommit'] as const) {
    const record = { ...transactionRecord({ ...transaction, state }), timestamp: Timestamp(1_700_000_000_500) };
    const { error } = log.append(buildBatch({ records: [record] }), LeaderEpoch(0));
    check(error === ErrorCode.NONE, 'the record is appended', errorName(error));
  }
  await directory.close();
  const file = join(folder, '__transaction_state-0', '00000000000000000000.log');
  const options = ['--transaction-log-decoder', '--files', file];
  const { status, stdout } = await jvm.run('org.apache.kafka.tools.DumpLogSegments', options);
  check(status === 0, 'the file is dumped', stdout);
  const payloads = [...stdout.matchAll(/payload: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json ?? ''));
  check(/key: .*"transactionalId":"loader-1"/.test(stdout), 'the transactional id is the key', stdout);
  check(payloads.map(({ data }) => data.transactionStatus).join() === '1,2', 'Ongoing and PrepareCommit', stdout);
  const { data, version } = payloads[1];
  check(version === '1' || version === 1, 'in version 1', payloads[1]);
  const expected = {
    producerId: 7,
    previousProducerId: 5,
    nextProducerId: 9,
    producerEpoch: 3,
    transactionTimeoutMs: 60_000,
    transactionPartitions: [{ topic: 'trucks', partitionIds: [0, 2] }],
    transactionLastUpdateTimestampMs: 1_700_000_000_500,
    transactionStartTimestampMs: 1_700_000_000_000,
    clientTransactionVersion: 2,
  };
  for (const [name, value] of Object.entries(expected))
    check(JSON.stringify(data[name]) === JSON.stringify(value), `${name} is ${JSON.stringify(value)}`, data);
}
