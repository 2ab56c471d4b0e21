import { silentLogger } from '@milepost/core';
import { Closers } from './closers.ts';

test('a closer that throws is logged by name, and the rest still close, in reverse order', async () => {
  const lines: string[] = [];
  const closed: string[] = [];
  const closers = new Closers({ ...silentLogger, error: (_, message) => lines.push(message) });
  closers.add('the log directory', () => closed.push('log directory'));
  closers.add('the groups', () => Promise.reject(new Error('no answer')));
  closers.add('the clients', () => closed.push('clients'));
  const failures = await closers.closeAll();
  expect(closed).toEqual(['clients', 'log directory']);
  expect(failures).toEqual([new Error('no answer')]);
  expect(lines).toEqual(['the groups did not close: Error: no answer']);
  expect(await closers.closeAll()).toBe(failures);
});
