import { type Clock, ErrorCode, Offset } from '@milepost/core';
import { SimDisk, SimRandom } from '@milepost/simulator';
import { appendAll, everything, numbered, openLog, readAll, START_MS, valuesIn } from './testing.ts';
import { logConfigOf } from './log-config.ts';

const LOG = '/data/t-0/00000000000000000000.log';
const VALUE_OF_THE_FIRST_BATCH = 68 * 8;

async function written() {
  let now = 0;
  const clock: Clock = { now: () => START_MS, monotonic: () => now, after: () => () => {} };
  const disk = new SimDisk(new SimRandom(1));
  const open = () => openLog(disk, { clock, config: logConfigOf({}) });
  const { log, directory } = await open();
  appendAll(log, numbered(10));
  await log.sync();
  const reopened = async () => {
    await directory.close();
    return (await open()).log;
  };
  return { disk, log, reopened, pass: (ms: number) => (now += ms) };
}

test('a batch is checked when it is first read, then trusted for ten minutes, then checked again', async () => {
  const { disk, reopened, pass } = await written();
  const again = await reopened();
  disk.flipBit(LOG, VALUE_OF_THE_FIRST_BATCH);
  expect(again.read(Offset(0), everything(Offset(10))).error).toBe(ErrorCode.CORRUPT_MESSAGE);
  disk.flipBit(LOG, VALUE_OF_THE_FIRST_BATCH);
  expect(readAll(again)).toEqual(numbered(10));
  disk.flipBit(LOG, VALUE_OF_THE_FIRST_BATCH);
  expect(again.read(Offset(0), everything(Offset(10))).error).toBe(ErrorCode.NONE);
  pass(600_001);
  expect(again.read(Offset(0), everything(Offset(10))).error).toBe(ErrorCode.CORRUPT_MESSAGE);
});

test('reads into lent memory, and returns only the batches in it', async () => {
  const { log } = await written();
  const lent: Buffer[] = [];
  const allocate = (sizeBytes: number): Buffer => {
    lent.push(Buffer.alloc(sizeBytes + 1000, 0xff));
    return lent.at(-1) as Buffer;
  };
  const outcome = log.read(Offset(3), { ...everything(Offset(6)), allocate });
  if (outcome.error !== ErrorCode.NONE) throw new Error(outcome.message);
  expect(valuesIn(outcome.records)).toEqual(['3:v3', '4:v4', '5:v5']);
  expect(outcome.records.buffer).toBe(lent[0]?.buffer);
});
