import { Lifecycle, type Phase } from './lifecycle.ts';

function program(...parts: [name: string, phase: Phase, failure?: 'start' | 'stop'][]): {
  lifecycle: Lifecycle;
  seen: string[];
} {
  const lifecycle = new Lifecycle();
  const seen: string[] = [];
  for (const [name, phase, failure] of parts)
    lifecycle.register({
      name,
      phase,
      start: async () => {
        seen.push(`+${name}`);
        if (failure === 'start') throw new Error(`${name} cannot start`);
      },
      stop: async () => {
        seen.push(`-${name}`);
        if (failure === 'stop') throw new Error(`${name} cannot stop`);
      },
      notReady: () => (name === 'lame' ? 'lost its leg' : undefined),
    });
  return { lifecycle, seen };
}

test('parts start by phase and stop in reverse, whatever the order of registration', async () => {
  const { lifecycle, seen } = program(['gateway', 'intake'], ['broker', 'broker'], ['postgres', 'database']);
  await lifecycle.start();
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  expect(seen).toEqual(['+postgres', '+broker', '+gateway', '-gateway', '-broker', '-postgres']);
});

test('a failed start leaves nothing running', async () => {
  const { lifecycle, seen } = program(['postgres', 'database'], ['broker', 'broker', 'start'], ['gateway', 'intake']);
  await expect(lifecycle.start()).rejects.toThrow('broker cannot start');
  await lifecycle.stop();
  expect(seen).toEqual(['+postgres', '+broker', '-broker', '-postgres']);
});

test('a part that cannot stop does not prevent the others from stopping', async () => {
  const { lifecycle, seen } = program(['postgres', 'database'], ['broker', 'broker', 'stop']);
  await lifecycle.start();
  await expect(lifecycle.stop()).rejects.toThrow('broker cannot stop');
  expect(seen).toContain('-postgres');
});

test('ready means started, and every part ready', async () => {
  const { lifecycle } = program(['lame', 'broker']);
  expect(lifecycle.notReady()).toEqual(['starting']);
  await lifecycle.start();
  expect(lifecycle.notReady()).toEqual(['lame: lost its leg']);
});

test('what a part does without leaves the program ready', async () => {
  const lifecycle = new Lifecycle();
  const part = { name: 'map', phase: 'clients', start: async () => {}, stop: async () => {} } as const;
  lifecycle.register({ ...part, degraded: () => 'cannot read truck_gps-3' });
  lifecycle.register({ ...part, name: 'alerts', degraded: () => undefined });
  await lifecycle.start();
  expect(lifecycle.notReady()).toEqual([]);
  expect(lifecycle.degraded()).toEqual(['map: cannot read truck_gps-3']);
  await lifecycle.stop();
});

test('a stop in the middle of a start ends the start and stops the parts that had begun', async () => {
  const lifecycle = new Lifecycle();
  const seen: string[] = [];
  lifecycle.register({
    name: 'postgres',
    phase: 'database',
    start: (aborted) => new Promise((_, reject) => aborted.addEventListener('abort', () => reject(aborted.reason))),
    stop: async () => void seen.push('-postgres'),
  });
  lifecycle.register({
    name: 'broker',
    phase: 'broker',
    start: async () => void seen.push('+broker'),
    stop: async () => {},
  });
  const starting = lifecycle.start();
  await lifecycle.stop();
  await expect(starting).rejects.toThrow('stopped while starting');
  expect(seen).toEqual(['-postgres']);
});
