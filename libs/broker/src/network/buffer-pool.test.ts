import { Loan, BufferPool } from './buffer-pool.ts';

const MEGABYTE = 1024 * 1024;

test('a returned buffer is lent again to a request of about that size', () => {
  const buffers = new BufferPool();
  const first = buffers.take(MEGABYTE - 5);
  expect(first.length).toBe(MEGABYTE);
  buffers.giveBack(first);
  expect(buffers.take(MEGABYTE / 4)).not.toBe(first);
  expect(buffers.take(MEGABYTE)).toBe(first);
  expect(buffers.take(MEGABYTE)).not.toBe(first);
});

test('small and huge buffers are not pooled, and of the others only up to a limit', () => {
  const buffers = new BufferPool();
  buffers.giveBack(buffers.take(1000));
  buffers.giveBack(buffers.take(40 * MEGABYTE));
  expect(buffers.freeBytes).toBe(0);
  for (const lent of Array.from({ length: 100 }, () => buffers.take(MEGABYTE))) buffers.giveBack(lent);
  expect(buffers.freeBytes).toBe(16 * MEGABYTE);
});

test('a loan returns each buffer once, however often it is called', () => {
  const buffers = new BufferPool();
  const loan = new Loan(buffers);
  const [one, other] = [loan.take(MEGABYTE), loan.take(MEGABYTE)];
  loan.giveBack();
  loan.giveBack();
  expect(buffers.freeBytes).toBe(2 * MEGABYTE);
  expect(new Set([buffers.take(MEGABYTE), buffers.take(MEGABYTE)])).toEqual(new Set([one, other]));
});

test('a small read is copied, so that the loan is free before it is sent', () => {
  const buffers = new BufferPool();
  const loan = new Loan(buffers);
  const records = loan.take(MEGABYTE).fill(7).subarray(0, 100);
  const copy = loan.trimmed(records);
  expect(buffers.freeBytes).toBe(MEGABYTE);
  buffers.take(MEGABYTE).fill(9);
  expect(copy).toEqual(Buffer.alloc(100, 7));
  const much = loan.take(MEGABYTE).subarray(0, MEGABYTE / 2);
  expect(loan.trimmed(much)).toBe(much);
});
