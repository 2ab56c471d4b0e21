import { INTAKE_LIMITS } from './intake.ts';
import { Bench, settled } from './test-kit.ts';
import { type IntakeRecord, RecordsRefused } from './record.ts';

const lats = (records: readonly IntakeRecord[]): number[] =>
  records.filter(({ topic }) => topic === 'truck_gps').map(({ value }) => JSON.parse(value.toString()).lat as number);
const headersOf = (record: IntakeRecord | undefined): Record<string, string> =>
  Object.fromEntries([...(record?.headers ?? [])].map(([name, value]) => [name, value.toString()]));

describe('a position', () => {
  test('is acknowledged when the log has it, not before', async () => {
    const bench = new Bench();
    const device = bench.device();
    device.drive(1, 60.17);
    await bench.clock.advance(5000);
    expect(bench.balance()).toMatchObject({ received: 1, inFlight: 1 });
    expect(device.acks).toEqual([]);
    await bench.sink.next.succeed();
    expect(device.acks).toEqual([1]);
    expect(bench.balance()).toMatchObject({ received: 1, appended: 1, inFlight: 0 });
  });

  test('is keyed by its truck and carries its origin', async () => {
    const bench = new Bench();
    bench.device('phone').publish('owntracks/anna/phone', '{"_type":"location","lat":1,"lon":2,"tst":1}', {
      retain: true,
      dup: true,
    });
    await settled();
    const record = bench.sink.next.records.find(({ topic }) => topic === 'truck_gps');
    expect(record).toMatchObject({ key: Buffer.from('anna-phone'), timestamp: bench.clock.now() });
    expect(headersOf(record)).toEqual({
      'mqtt.topic': 'owntracks/anna/phone',
      'mqtt.client': 'phone',
      'mqtt.qos': '1',
      'mqtt.retain': 'true',
      'mqtt.dup': 'true',
      device: 'anna/phone',
      clock: 'implausible',
    });
  });

  test('of QoS 0 goes the same way without an acknowledgement', async () => {
    const bench = new Bench();
    const device = bench.device();
    device.drive(1, 1, { qos: 0 });
    await settled();
    await bench.sink.next.succeed();
    expect(lats(bench.sink.log)).toEqual([1]);
    expect(device.writes).toEqual([]);
    expect(bench.balance()).toMatchObject({ received: 1, appended: 1 });
  });
});

describe('order', () => {
  test('at most one send is pending for each partition; later arrivals follow in one', async () => {
    const bench = new Bench();
    const device = bench.device();
    for (let lat = 0; lat < 5; lat++) {
      device.drive(1, lat);
      await bench.clock.advance(20);
    }
    expect(bench.sink.open.map(({ records }) => lats(records))).toEqual([[0]]);
    await bench.sink.next.succeed();
    expect(bench.sink.open.map(({ records }) => lats(records))).toEqual([[1, 2, 3, 4]]);
    await bench.sink.next.succeed();
    expect(device.acks).toEqual([1, 2, 3, 4, 5]);
    expect(device.writes.length).toBe(2);
  });

  test('a publish after a pause is sent immediately; those right after it are gathered for a moment', async () => {
    const bench = new Bench();
    const device = bench.device();
    device.drive(1, 1);
    await settled();
    await bench.sink.next.succeed();
    device.drive(1, 2);
    await bench.clock.advance(2);
    device.drive(2, 3);
    expect(bench.sink.open).toEqual([]);
    await bench.clock.advance(3);
    expect(bench.sink.open.map(({ records }) => lats(records))).toEqual([[2, 3]]);
  });

  test('A then B stays A then B when the send of A fails', async () => {
    const bench = new Bench();
    const device = bench.device();
    device.drive(1, 1);
    await settled();
    device.drive(1, 2);
    await bench.sink.next.fail();
    expect(bench.sink.open).toEqual([]);
    device.drive(1, 3);
    await bench.clock.advance(200);
    expect(bench.sink.open.map(({ records }) => lats(records)).filter(({ length }) => length > 0)).toEqual([[1, 2, 3]]);
    await bench.sink.recover();
    expect(device.acks).toEqual([1, 2, 3]);
    expect(bench.balance()).toMatchObject({ received: 3, appended: 3 });
  });

  test('acknowledgements are sent in the order of the publishes, whichever partition responds first', async () => {
    const bench = new Bench();
    const device = bench.device();
    device.drive(1, 1);
    await settled();
    device.drive(2, 2);
    await bench.clock.advance(10);
    const [first, second] = bench.sink.open;
    await second?.succeed();
    expect(device.acks).toEqual([]);
    await first?.succeed();
    expect(device.acks).toEqual([1, 2]);
    expect(device.writes.length).toBe(1);
  });

  test('records of many devices are sent together, and each device gets its acks in one piece', async () => {
    const bench = new Bench();
    const devices = Array.from({ length: 50 }, (_, index) => bench.device(`d-${index}`));
    for (let round = 0; round < 3; round++) devices.forEach((device, index) => device.drive(index, round));
    await settled();
    expect(bench.sink.open.length).toBe(1);
    expect(lats(bench.sink.next.records).length).toBe(150);
    await bench.sink.next.succeed();
    for (const { acks, writes } of devices) {
      expect(acks).toEqual([1, 2, 3]);
      expect(writes.length).toBe(1);
    }
  });

  test('in one send with records of a failed partition, it is acknowledged before the send is over', async () => {
    const bench = new Bench();
    const [good, bad] = [bench.device('good'), bench.device('bad')];
    good.drive(1, 1);
    bad.drive(2, 2);
    await settled();
    const sent = bench.sink.next;
    await sent.storeAhead(bench.sink.partitionOf('truck_gps', Buffer.from('t-1')));
    expect([good.acks, bad.acks]).toEqual([[1], []]);
    good.drive(1, 3);
    await bench.clock.advance(10);
    expect(bench.sink.open.map(({ records }) => lats(records))).toEqual([[1, 2], [3]]);
    await sent.succeed();
    expect([good.acks, bad.acks]).toEqual([[1], [1]]);
  });

  test('sends that never end leave room for those of other partitions', async () => {
    const bench = new Bench();
    const { sendsInFlight } = INTAKE_LIMITS;
    for (let truck = 0; truck < sendsInFlight; truck++) {
      bench.device(`bad-${truck}`).drive(truck, truck);
      await bench.clock.advance(10);
    }
    const good = bench.device('good');
    good.drive(sendsInFlight, 9);
    await bench.clock.advance(2000);
    expect(bench.sink.open).toHaveLength(sendsInFlight + 1);
    await bench.sink.open.at(-1)?.succeed();
    expect(good.acks).toEqual([1]);
  });

  test('a partition in trouble does not delay the others', async () => {
    const bench = new Bench();
    const [good, bad] = [bench.device('good'), bench.device('bad')];
    good.drive(1, 1);
    bad.drive(2, 2);
    await settled();
    await bench.sink.next.fail();
    await bench.clock.advance(200);
    const inTrouble = bench.sink.partitionOf('truck_gps', Buffer.from('t-2'));
    for (const sent of Array.from(bench.sink.open)) {
      await (sent.records.some(({ partition }) => partition === inTrouble) ? sent.fail() : sent.succeed());
    }
    expect(good.acks).toEqual([1]);
    expect(bad.acks).toEqual([]);
    bench.sink.automatic = true;
    await bench.clock.advance(200);
    expect(bad.acks).toEqual([1]);
  });
});

describe('a full window', () => {
  test('pauses its device, not the others, and resumes it at half', async () => {
    const bench = new Bench({ limits: { windowMessages: 10 } });
    const [fast, slow] = [bench.device('fast'), bench.device('slow')];
    slow.drive(2, 0);
    await settled();
    for (let lat = 0; lat < 10; lat++) {
      expect(fast.paused).toBe(false);
      fast.drive(1, lat);
    }
    expect(fast.paused).toBe(true);
    expect(slow.paused).toBe(false);
    bench.sink.automatic = true;
    await bench.clock.advance(10);
    expect(fast.paused).toBe(false);
    expect(fast.acks.length).toBe(10);
  });

  test('of bytes counts too', () => {
    const bench = new Bench({ limits: { windowBytes: 10_000 } });
    const device = bench.device();
    device.publish('trucks/t-1/gps', 'x'.repeat(10_000));
    expect(device.paused).toBe(true);
  });

  test('of one partition pauses the devices of that partition, and resumes them when it has drained', async () => {
    const bench = new Bench({ limits: { partitionBytes: 1000 } });
    const [first, second, other] = [bench.device('first'), bench.device('second'), bench.device('other')];
    for (let lat = 0; lat < 5; lat++) first.drive(1, lat);
    await settled();
    second.drive(1, 9);
    other.drive(2, 1);
    expect([first.paused, second.paused, other.paused]).toEqual([true, true, false]);
    await bench.sink.recover();
    await bench.clock.advance(10);
    expect([first.paused, second.paused]).toEqual([false, false]);
  });

  test('of all devices together pauses the sending device, and resumes all when it has drained', async () => {
    const bench = new Bench({ limits: { pendingBytes: 5000 } });
    const devices = Array.from({ length: 40 }, (_, index) => bench.device(`d-${index}`));
    devices.forEach((device, index) => device.drive(index, 1));
    expect(devices.filter(({ paused }) => paused).length).toBeGreaterThan(10);
    expect(devices[0]?.paused).toBe(false);
    bench.sink.automatic = true;
    await bench.clock.advance(20);
    expect(devices.filter(({ paused }) => paused)).toEqual([]);
    expect(bench.balance()).toMatchObject({ received: 40, appended: 40 });
  });
});

describe('a log that stalls', () => {
  test('costs the devices their connections, never their positions', async () => {
    const bench = new Bench({ limits: { stallMs: 3000 } });
    const device = bench.device();
    for (const lat of [1, 2]) device.drive(1, lat);
    for (let attempt = 0; attempt < 40 && device.closed === undefined; attempt++) {
      if (bench.sink.open.length > 0) await bench.sink.next.fail();
      await bench.clock.advance(100);
      bench.balance();
    }
    expect(device.closed).toBe('stalled');
    expect(device.acks).toEqual([]);
    device.drive(1, 3); // the rest of its chunk, which must not be stored before what is resent
    device.disconnect();
    await bench.sink.failAll();
    await bench.clock.advance(1000);
    const again = bench.device();
    bench.sink.automatic = true;
    for (const lat of [1, 2, 3]) again.drive(1, lat, { dup: true });
    await bench.clock.advance(1000);
    await bench.sink.recover();
    await bench.clock.advance(1000);
    expect(lats(bench.sink.log)).toEqual([1, 2, 3]);
    expect(again.acks).toEqual([1, 2, 3]);
    expect(bench.balance()).toMatchObject({ received: 6, appended: 3, refused: 3, inFlight: 0 });
  });

  test('during a send that cannot be cancelled: its outcome still counts', async () => {
    const bench = new Bench({ limits: { stallMs: 3000 } });
    const device = bench.device();
    device.drive(1, 1);
    await settled();
    device.drive(1, 2);
    await bench.clock.advance(4000);
    expect(device.closed).toBe('stalled');
    expect(bench.balance()).toMatchObject({ received: 2, refused: 1, inFlight: 1 });
    device.disconnect();
    await bench.sink.next.succeed();
    expect(lats(bench.sink.log)).toEqual([1]);
    expect(device.acks).toEqual([]);
    expect(bench.balance()).toMatchObject({ received: 2, appended: 1, refused: 1, inFlight: 0 });
  });
});

describe('a payload that is not a position', () => {
  test.each([
    ['trucks/t-1/gps', '{"lat":91,"lon":2}', 'out-of-range', 't-1'],
    ['trucks/t-1/gps', '{"lat":NaN}', 'malformed', 't-1'],
    ['trucks/t-1/gps', '', 'empty', 't-1'],
    ['trucks/t-1/gps', '{"lat":1,"lon":2,"ts":"noon"}', 'unreadable-time', 't-1'],
    ['trucks//gps', '{"lat":1,"lon":2}', 'no-truck-id', undefined],
    ['elsewhere', 'anything', 'no-route', undefined],
    ['owntracks/anna/phone/event', '{"_type":"waypoint"}', 'not-a-position', 'anna-phone'],
  ])('%s %s is dead-lettered as %s with its bytes, and acknowledged', async (topic, payload, reason, key) => {
    const bench = new Bench();
    const device = bench.device();
    const id = device.publish(topic, payload);
    await settled();
    expect(device.acks).toEqual([]);
    await bench.sink.next.succeed();
    const [letter] = bench.sink.log;
    expect(letter).toMatchObject({ topic: 'dead_letters', key: key === undefined ? null : Buffer.from(key) });
    expect(letter?.value.toString()).toBe(payload);
    expect(headersOf(letter)).toMatchObject({ source: 'mqtt', reason, 'mqtt.topic': topic, 'mqtt.client': 'device' });
    expect(device.acks).toEqual([id]);
    expect(device.closed).toBeUndefined();
    expect(bench.balance()).toMatchObject({ received: 1, deadLettered: 1, inFlight: 0 });
  });

  test('ten megabytes are stored, in parts, and acknowledged once, when the last is in the log', async () => {
    const bench = new Bench();
    const device = bench.device();
    const payload = Buffer.alloc(10_000_000, 'abcdefg');
    device.publish('trucks/t-1/gps', payload);
    device.drive(2, 1);
    await settled();
    expect(bench.balance()).toMatchObject({ received: 2, inFlight: 2 });
    while (bench.sink.open.length > 0) {
      expect(device.acks).toEqual([]);
      await bench.sink.next.succeed();
      await bench.clock.advance(10);
      bench.balance();
    }
    const letters = bench.sink.log.filter(({ topic }) => topic === 'dead_letters');
    expect(Buffer.concat(letters.map(({ value }) => value)).equals(payload)).toBe(true);
    expect(new Set(letters.map(({ partition }) => partition)).size).toBe(1);
    expect(letters.map((letter) => headersOf(letter)['part'])).toEqual(
      letters.map((_, n) => `${n + 1}/${letters.length}`),
    );
    expect(Math.max(...letters.map(({ value }) => value.length))).toBeLessThan(1024 * 1024);
    expect(device.acks).toEqual([1, 2]);
    expect(bench.balance()).toMatchObject({ received: 2, appended: 1, deadLettered: 1 });
  });

  test('a record that the log refuses for good is found among its neighbours and dead-lettered', async () => {
    const bench = new Bench();
    const device = bench.device();
    for (let lat = 0; lat < 6; lat++) device.drive(1, lat);
    for (let turn = 0; turn < 60; turn++) {
      await bench.clock.advance(50);
      for (const sent of Array.from(bench.sink.open)) {
        await (lats(sent.records).includes(3) ? sent.fail(new RecordsRefused('no')) : sent.succeed());
      }
      bench.balance();
    }
    expect(lats(bench.sink.log)).toEqual([0, 1, 2, 4, 5]);
    const letter = bench.sink.log.find(({ topic }) => topic === 'dead_letters');
    expect(JSON.parse(letter?.value.toString() ?? '')).toMatchObject({ lat: 3 });
    expect(headersOf(letter)).toMatchObject({ reason: 'refused-by-log', detail: 'no' });
    expect(device.acks).toEqual([1, 2, 3, 4, 5, 6]);
    expect(bench.balance()).toMatchObject({ received: 6, appended: 5, deadLettered: 1 });
  });

  test('a batch is acknowledged when the log has all of it, in whatever order its partitions respond', async () => {
    const bench = new Bench();
    const device = bench.device();
    device.drive(1, 0); // occupies the truck's partition
    await settled();
    const payload = '[{"lat":1,"lon":2},{"lat":2,"lon":2},{"lat":99,"lon":2}]';
    device.publish('trucks/t-1/gps', payload);
    await bench.clock.advance(20);
    const letters = bench.sink.open.filter(({ records }) => records.some(({ topic }) => topic === 'dead_letters'));
    for (const sent of letters) await sent.succeed();
    expect(device.acks).toEqual([]);
    expect(bench.balance()).toMatchObject({ received: 2, inFlight: 2 });
    while (bench.sink.open.length > 0) {
      await bench.sink.next.succeed();
      await bench.clock.advance(20);
    }
    expect(device.acks).toEqual([1, 2]);
    expect(lats(bench.sink.log)).toEqual([0, 1, 2]);
    const [letter, ...more] = bench.sink.log.filter(({ topic }) => topic === 'dead_letters');
    expect(more).toEqual([]);
    expect(letter?.value.toString()).toBe(payload);
    expect(headersOf(letter)).toMatchObject({
      reason: 'out-of-range',
      detail: expect.stringMatching(/^1 of 3, the first at 3: lat/),
    });
    expect(bench.balance()).toMatchObject({ received: 2, appended: 1, deadLettered: 1, inFlight: 0 });
  });

  test('a batch of which one record is given up is not acknowledged, and counts once', async () => {
    const bench = new Bench();
    const device = bench.device();
    device.publish('trucks/t-1/gps', '[{"lat":1,"lon":2},{"lat":99,"lon":2}]');
    for (let turn = 0; turn < 60; turn++) {
      await bench.clock.advance(50);
      for (const sent of Array.from(bench.sink.open)) {
        const isLetter = sent.records.some(({ topic }) => topic === 'dead_letters');
        await (isLetter ? sent.fail(new RecordsRefused('no')) : sent.succeed());
      }
    }
    expect(device.acks).toEqual([]);
    expect(bench.balance()).toMatchObject({ received: 1, refused: 1, inFlight: 0 });
  });

  test('a large payload whose position the log refuses is stored whole, as the device sent it', async () => {
    const bench = new Bench();
    const device = bench.device();
    const payload = `[{"lat":3,"lon":2}${' '.repeat(60_000)}]`;
    device.publish('trucks/t-1/gps', payload);
    for (let turn = 0; turn < 60; turn++) {
      await bench.clock.advance(50);
      for (const sent of Array.from(bench.sink.open))
        await (lats(sent.records).length > 0 ? sent.fail(new RecordsRefused('no')) : sent.succeed());
    }
    const letters = bench.sink.log.filter(({ topic }) => topic === 'dead_letters');
    expect(Buffer.concat(letters.map(({ value }) => value)).toString()).toBe(payload);
    expect(device.acks).toEqual([1]);
    expect(bench.balance()).toMatchObject({ received: 1, deadLettered: 1 });
  });

  test('a payload that names its truck goes to that truck, whatever the topic', async () => {
    const bench = new Bench();
    const device = bench.device();
    device.publish('traccar/positions', '{"position":{"latitude":1,"longitude":2},"device":{"uniqueId":"van 7"}}');
    await settled();
    await bench.sink.next.succeed();
    const record = bench.sink.log.find(({ topic }) => topic === 'truck_gps');
    expect(record?.key?.toString()).toMatch(/^van-7-[0-9a-f]{8}$/);
    expect(headersOf(record)).toMatchObject({ device: 'van 7' });
    expect(device.acks).toEqual([1]);
  });

  test('if the log refuses even the dead letter, nothing is acknowledged', async () => {
    const bench = new Bench();
    const device = bench.device();
    device.publish('elsewhere', 'x');
    await settled();
    await bench.sink.next.fail(new RecordsRefused('no'));
    if (bench.sink.open.length > 0) await bench.sink.next.fail(new RecordsRefused('no'));
    expect(device.closed).toBe('failed');
    expect(device.acks).toEqual([]);
    expect(bench.balance()).toMatchObject({ received: 1, refused: 1 });
  });
});

describe('QoS 2', () => {
  test('a repetition is acknowledged and not appended, until it is released', async () => {
    const bench = new Bench();
    bench.sink.automatic = true;
    const device = bench.device();
    device.drive(1, 1, { qos: 2, messageId: 7 });
    await settled();
    device.drive(1, 1, { qos: 2, messageId: 7, dup: true });
    await settled();
    expect(device.acks).toEqual([7, 7]);
    expect(lats(bench.sink.log)).toEqual([1]);
    bench.intake.released(device, 7);
    device.drive(1, 2, { qos: 2, messageId: 7 });
    await bench.clock.advance(5);
    expect(lats(bench.sink.log)).toEqual([1, 2]);
    expect(bench.balance()).toMatchObject({ received: 3, appended: 2, refused: 1 });
  });

  test('a repetition on the next connection, while the first is still pending, is acknowledged with it', async () => {
    const bench = new Bench();
    const before = bench.device('d', { clean: false });
    before.drive(1, 1, { qos: 2, messageId: 7 });
    await settled();
    before.disconnect();
    const after = bench.device('d', { clean: false });
    after.drive(1, 1, { qos: 2, messageId: 7, dup: true });
    await bench.clock.advance(100);
    expect(after.acks).toEqual([]);
    while (bench.sink.open.length > 0) await bench.sink.next.succeed();
    expect(after.acks).toEqual([7]);
    expect(before.acks).toEqual([]);
    expect(lats(bench.sink.log)).toEqual([1]);
  });

  test('a clean session starts empty', async () => {
    const bench = new Bench();
    bench.sink.automatic = true;
    for (let round = 0; round < 2; round++) {
      const device = bench.device('d');
      device.drive(1, round, { qos: 2, messageId: 7 });
      await bench.clock.advance(10);
      device.disconnect();
    }
    expect(lats(bench.sink.log)).toEqual([0, 1]);
  });

  test('a message that the log never accepted is not taken for a repetition', async () => {
    const bench = new Bench({ limits: { stallMs: 1000 } });
    const before = bench.device('d', { clean: false });
    before.drive(1, 1, { qos: 2, messageId: 7 });
    await settled();
    await bench.clock.advance(2000);
    expect(before.closed).toBe('stalled');
    before.disconnect();
    await bench.sink.next.fail();
    bench.sink.automatic = true;
    const after = bench.device('d', { clean: false });
    after.drive(1, 1, { qos: 2, messageId: 7, dup: true });
    await bench.clock.advance(1000);
    await bench.sink.recover();
    expect(after.acks).toEqual([7]);
    expect(lats(bench.sink.log)).toEqual([1]);
    expect(bench.balance()).toMatchObject({ received: 2, appended: 1, refused: 1 });
  });
});

describe('presence', () => {
  const statuses = (bench: Bench): string[] =>
    bench.sink.values('truck_status').map((value) => {
      const { truckId, status } = JSON.parse(value) as { truckId: string; status: string };
      return `${truckId} ${status}`;
    });

  test('a truck is online from its first position, offline when its connection ends', async () => {
    const bench = new Bench();
    bench.sink.automatic = true;
    const device = bench.device();
    for (const lat of [1, 2]) device.drive(1, lat);
    await bench.clock.advance(10);
    device.disconnect();
    await bench.clock.advance(10);
    expect(statuses(bench)).toEqual(['t-1 online', 't-1 offline']);
  });

  test('a truck that has reconnected is not offline when its old connection ends', async () => {
    const bench = new Bench();
    bench.sink.automatic = true;
    const old = bench.device('old');
    old.drive(1, 1);
    const next = bench.device('next');
    next.drive(1, 2);
    old.disconnect();
    await bench.clock.advance(10);
    expect(statuses(bench)).toEqual(['t-1 online']);
  });

  test('no status follows a last will', async () => {
    const bench = new Bench();
    bench.sink.automatic = true;
    const phone = bench.device();
    phone.publish('owntracks/a/b', '{"_type":"location","lat":1,"lon":2}');
    phone.publish('owntracks/a/b', '{"_type":"lwt","tst":1763805600}', { qos: 0 });
    phone.disconnect();
    await bench.clock.advance(10);
    expect(statuses(bench)).toEqual(['a-b online', 'a-b lastWill']);
    expect(bench.balance()).toMatchObject({ received: 2, appended: 2 });
  });
});

test('nothing is sent to a device that is gone, and what it sent is stored', async () => {
  const bench = new Bench();
  const device = bench.device();
  device.drive(1, 1);
  await settled();
  device.disconnect();
  await bench.sink.next.succeed();
  expect(device.writes).toEqual([]);
  expect(lats(bench.sink.log)).toEqual([1]);
});

test('draining stops the reading and ends when everything received is acknowledged', async () => {
  const bench = new Bench();
  const device = bench.device();
  device.drive(1, 1);
  let drained = false;
  const draining = bench.intake.drain().then(() => void (drained = true));
  await settled();
  expect(device.paused).toBe(true);
  expect(drained).toBe(false);
  await bench.sink.next.succeed();
  await bench.clock.advance(10);
  await draining;
  expect(device.acks).toEqual([1]);
});

test('received = appended + dead-lettered + refused + in flight, through a random day', async () => {
  let seed = 42;
  const below = (limit: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % limit;
  };
  const bench = new Bench({ limits: { stallMs: 2000, windowMessages: 20, pendingBytes: 20_000 } });
  const devices = new Map<number, ReturnType<Bench['device']>>();
  const sentBy = new Map<number, number[]>();
  for (let step = 0; step < 3000; step++) {
    const who = below(12);
    let device = devices.get(who);
    if (!device || device.closed || below(60) === 0) {
      device?.disconnect();
      device = bench.device(`d-${who}`, { clean: below(2) === 0 });
      devices.set(who, device);
      sentBy.set(who, []);
    }
    if (!device.paused) {
      const qos = below(3) as 0 | 1 | 2;
      if (below(5) === 0) device.publish('trucks/t-1/gps', 'nonsense', { qos });
      else device.drive(who, below(90), { qos, messageId: 1 + below(200) });
    }
    const sent = bench.sink.open[below(4)];
    if (sent && below(3) > 0) await (below(4) === 0 ? sent.fail() : sent.succeed());
    if (below(4) === 0) await bench.clock.advance(below(300));
    bench.balance();
  }
  await bench.sink.recover();
  await bench.clock.advance(10_000);
  const totals = bench.balance();
  expect(totals.inFlight).toBe(0);
  expect(totals.appended).toBeGreaterThan(500);
  expect(totals.refused).toBeGreaterThan(0);
});
