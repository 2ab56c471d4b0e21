import { encodeStatus, readPosition, readStatus, type TruckStatus } from './index.ts';

test('a status survives the log', () => {
  const status: TruckStatus = { truckId: 't-1', status: 'offline', ts: '2026-11-22T10:00:00Z', source: 'mqtt' };
  expect(readStatus(encodeStatus(status))).toEqual(status);
});

test('records of other programs are recognized as foreign', () => {
  for (const value of ['', 'null', '[]', '{}', '{"truckId":"t","ts":"x","source":"y"}', '{"lat":1,"lon":2}']) {
    expect(readStatus(value)).toBeUndefined();
    expect(readPosition(value)).toBeUndefined();
  }
  expect(readPosition('{"truckId":"t","ts":"x","source":"y","lat":91,"lon":0}')).toBeUndefined();
});
