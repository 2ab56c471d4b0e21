// The cost of observation, in positions/s and in the server's CPU for each: a scrape each second, and traces at 0, 1
// and 100 %, against an unobserved appliance. All alternating, twice, because the state of a machine lasts longer than
// one of them.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Row } from './figures.ts';
import { connected, measured, pipelined } from './load.ts';
import { ProgramUnderTest } from './program.ts';

const ROUNDS = 2;
const CLIENTS = 200;
const ON_THE_WAY = 50;
const WARM_UP_S = 3;
const SCRAPE_EVERY_MS = 1_000;

interface Way {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly isScraped?: true;
}

interface Figure {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

export async function observing(seconds: number): Promise<Row[]> {
  const collector = await startCollector();
  const { port } = collector.address() as AddressInfo;
  const traced = (ratio: string) => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_TRACES_SAMPLER_ARG: ratio,
  });
  const ways: readonly Way[] = [
    { name: 'nobody watches', settings: {} },
    { name: 'a scrape each second', settings: {}, isScraped: true },
    { name: 'traces, 0 % sampled', settings: traced('0') },
    { name: 'traces, 1 % sampled', settings: traced('0.01') },
    { name: 'traces, 100 % sampled', settings: traced('1') },
  ];
  const figures = new Map<Way, Figure[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const way of ways) figures.get(way)?.push(await figureOf(way, seconds));
  collector.close();
  collector.closeAllConnections();
  const [base = { perSecond: Number.NaN, cpuMicroseconds: Number.NaN }] = ways.map((way) =>
    meanOf(figures.get(way) ?? []),
  );
  return ways.flatMap((way) => {
    const { perSecond, cpuMicroseconds } = meanOf(figures.get(way) ?? []);
    const against = (value: number, of: number): string =>
      `${(100 * (value / of - 1)).toFixed(1)} % against nobody, mean of ${ROUNDS}`;
    return [
      { name: `positions: ${way.name}`, value: perSecond, unit: '/s', how: against(perSecond, base.perSecond) },
      {
        name: `server CPU: ${way.name}`,
        value: cpuMicroseconds,
        unit: '\u00b5s',
        how: against(cpuMicroseconds, base.cpuMicroseconds),
      },
    ];
  });
}

async function figureOf({ isScraped, settings }: Way, seconds: number): Promise<Figure> {
  const program = await ProgramUnderTest.start('appliance', settings);
  const clients = await connected(program, CLIENTS, 'watched');
  await pipelined(clients, ON_THE_WAY, WARM_UP_S);
  const scraping = isScraped ? setInterval(() => void program.cost(), SCRAPE_EVERY_MS) : undefined;
  const figure = await measured(program, () => pipelined(clients, ON_THE_WAY, seconds));
  clearInterval(scraping);
  await program.stop();
  return figure;
}

function meanOf(figures: readonly Figure[]): Figure {
  const mean = (of: (figure: Figure) => number): number =>
    figures.reduce((sum, figure) => sum + of(figure), 0) / figures.length;
  return {
    perSecond: mean(({ perSecond }) => perSecond),
    cpuMicroseconds: mean(({ cpuMicroseconds }) => cpuMicroseconds),
  };
}

/** Accepts whatever is sent, immediately. */
function startCollector(): Promise<Server> {
  const server = createServer((request, response) => void request.resume().on('end', () => response.end()));
  return new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve(server)));
}
