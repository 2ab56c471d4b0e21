import { anomalies, type SeenRecord, type TransactionEnd, type WrittenTransaction } from './transaction-history.ts';

const written = (id: string, end: TransactionEnd, records = 2): WrittenTransaction => ({
  id,
  writer: 'w',
  end,
  records,
});
const record = (offset: number, transaction: string, index: number): SeenRecord => ({
  partition: 0,
  offset,
  transaction,
  index,
});

describe('the checker of histories of transactions', () => {
  const transactions = [
    written('w-0', 'committed'),
    written('w-1', 'aborted'),
    written('w-2', 'committing'),
    written('w-3', 'open'),
    written('w-4', 'committed'),
  ];
  const good = [record(0, 'w-0', 0), record(1, 'w-0', 1), record(9, 'w-4', 0), record(10, 'w-4', 1)];
  const whole = [...good.slice(0, 2), record(5, 'w-2', 0), record(6, 'w-2', 1), ...good.slice(2)];
  const found = (final: SeenRecord[], followed: SeenRecord[] = []) => anomalies({ transactions, final, followed });

  it('accepts a transaction of unknown end as a whole, and not at all', () => {
    expect(found(good, good.slice(0, 3))).toEqual([]);
    expect(found(whole, whole)).toEqual([]);
  });

  it('finds a lost write', () => {
    expect(found(good.slice(1))).toEqual(['w-0: 1 of 2 committed records are lost']);
  });

  it('finds records of an aborted and of an abandoned transaction', () => {
    expect(found([...good.slice(0, 2), record(3, 'w-1', 0), record(7, 'w-3', 0), ...good.slice(2)])).toEqual([
      'w-1 (aborted): 1 records are visible',
      'w-3 (open): 1 records are visible',
    ]);
  });

  it('finds a torn transaction', () => {
    expect(found(whole.filter(({ offset }) => offset !== 6))).toEqual(['w-2: torn, 1 of 2 records are visible']);
  });

  it('finds a duplicate, and a record that nobody wrote', () => {
    expect(found([...good, record(11, 'w-4', 1)])).toEqual(['w-4 (committed): 1 records are there twice']);
    expect(found([...good, record(11, 'x', 0)])).toEqual(['x was never written']);
  });

  it('finds transactions in the wrong order', () => {
    const swapped = [record(0, 'w-4', 0), record(1, 'w-4', 1), record(2, 'w-0', 0), record(3, 'w-0', 1)];
    expect(found(swapped)).toEqual(['partition 0, offset 2: w-0/0 follows w-4/1']);
  });

  it('finds what a reader saw and what is not there at the end', () => {
    expect(found(good, [...good.slice(0, 2), record(5, 'w-2', 0)])).toEqual([
      'partition 0: a reader saw w-2/0 at 5 where w-4/0 at 9 is at the end',
    ]);
    expect(found(good, [...good, record(11, 'w-4', 2)])).toEqual([
      'partition 0: a reader saw w-4/2 at 11 where nothing is at the end',
    ]);
  });
});
