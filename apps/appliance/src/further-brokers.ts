// `--brokers N`: the brokers 2 to N of a cluster on this machine, each a process with its own folder and ports, beside the
// appliance, which is the first. They use its database. The first one starts before them and stops after them: it has all that
// was acknowledged meanwhile, and leads at the next start without waiting for another.
import { createServer } from 'node:net';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Logger, silentLogger } from '@milepost/core';
import type { Settings } from '@milepost/settings';
import { Inject, Injectable } from '@nestjs/common';
import { brokerProperties, brokersOf, configFileOptions } from '../../broker/src/broker-properties.ts';
import { DatabasePart, Lifecycle, LOGGER, type Part, passwordOfSetting, SETTINGS } from '../../chassis/src/index.ts';
import { BrokerProcess } from './broker-process.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Beyond the HTTP ports of our other programs: 8091 is that of the second broker. */
const HTTP_PORTS_FURTHER = 10;
/** Where a broker has several listeners, those of the next one are beyond all of them: 9092 and 9093, 9102 and 9103. */
const LISTENERS_FURTHER = 10;
const LAST_PORT = 65_535;

/** What the environment of another broker on this machine differs in; undefined: not set. `place`: 1 for the second broker. */
export function furtherBroker(
  place: number,
  settings: Settings,
  databaseUrl: string,
  properties: Readonly<Record<string, string>> = {},
): Environment & PortsOfBroker {
  const { advertised } = settings;
  const number = settings.brokerId + place;
  const { listeners } = properties;
  const hasSeveral = listeners?.includes(',') === true;
  const listenerBeside = hasSeveral ? LISTENERS_FURTHER * place : place;
  const ownAddress = advertised && `${bracketed(advertised.host)}:${portBeside(advertised.port, listenerBeside)}`;
  return {
    DATABASE_URL: databaseUrl,
    MILEPOST_BROKER_ID: String(number),
    MILEPOST_DATA_DIR: join(resolve(settings.dataDir), `broker-${number}`),
    MILEPOST_KAFKA_PORT: portBeside(settings.kafkaPort, listenerBeside),
    MILEPOST_HTTP_PORT: portBeside(settings.httpPort, HTTP_PORTS_FURTHER + place),
    MILEPOST_METRICS_PORT: settings.metricsPort === undefined ? undefined : portBeside(settings.metricsPort, place),
    MILEPOST_ADVERTISED_LISTENERS: ownAddress,
    KAFKA_LISTENERS: hasSeveral ? moved(listeners, listenerBeside) : listeners,
    KAFKA_ADVERTISED_LISTENERS: hasSeveral ? moved(properties['advertised.listeners'], listenerBeside) : undefined,
    // The same settings under Kafka's names.
    KAFKA_NODE_ID: undefined,
    KAFKA_BROKER_ID: undefined,
    KAFKA_LOG_DIRS: undefined,
    KAFKA_LOG_DIR: undefined,
  };
}

/** 0 stays 0: any free one. */
const portBeside = (port: number, by: number): string => String(port === 0 ? 0 : port + by);

const moved = (listeners: string | undefined, by: number): string | undefined =>
  listeners?.replaceAll(/:(\d{1,5})(?=\s*(?:,|$))/g, (_, port: string) => `:${portBeside(Number(port), by)}`);

interface PortsOfBroker {
  readonly MILEPOST_BROKER_ID: string;
  readonly MILEPOST_KAFKA_PORT: string;
  readonly MILEPOST_HTTP_PORT: string;
}

@Injectable()
export class FurtherBrokersPart implements Part {
  readonly name = 'the other brokers';
  readonly phase = 'cluster';
  #brokers: readonly BrokerProcess[] = [];

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly database: DatabasePart,
    lifecycle: Lifecycle,
  ) {
    lifecycle.register(this);
  }

  async start(aborted: AbortSignal): Promise<void> {
    const { database, logger, settings } = this;
    const places = Array.from({ length: brokersOf(process.argv) - 1 }, (_, index) => index + 1);
    const ofFirst = brokerProperties(silentLogger, passwordOfSetting); // which has logged its warnings
    const environments = places.map((place) => furtherBroker(place, settings, database.url, ofFirst));
    for (const environment of environments) await checkPorts(environment, settings.listen);
    const properties = variablesOf(ofFirst);
    this.#brokers = environments.map(
      (environment) =>
        new BrokerProcess({
          id: Number(environment.MILEPOST_BROKER_ID),
          command: [brokerProgram, ...configFileOptions()],
          env: { ...process.env, ...properties, ...environment },
          logger,
        }),
    );
    const stop = (): void => void this.stop();
    aborted.addEventListener('abort', stop, { once: true });
    try {
      await Promise.all(this.#brokers.map((broker) => broker.start()));
    } finally {
      aborted.removeEventListener('abort', stop);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.stop()));
  }

  /** The cluster goes on without one. */
  degraded(): string | undefined {
    const away = this.#brokers.filter(({ isReady }) => !isReady).map(({ id }) => id);
    return away.length === 0 ? undefined : `not running: ${away.join(', ')}`;
  }
}

/** TypeScript from the sources, JavaScript in a build. */
const brokerProgram = fileURLToPath(
  new URL(`../../broker/src/main${extname(fileURLToPath(import.meta.url))}`, import.meta.url),
);

/** As they apply to the first broker, wherever they were set. */
const variablesOf = (properties: Readonly<Record<string, string>>): Environment =>
  Object.fromEntries(
    ['default.replication.factor', 'min.insync.replicas'].flatMap((name) => {
      const value = properties[name];
      return value === undefined ? [] : [[`KAFKA_${name.toUpperCase().replaceAll('.', '_')}`, value] as const];
    }),
  );

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** @throws Error with the port and the cure. */
async function checkPorts(environment: PortsOfBroker, host: string): Promise<void> {
  const wanted = { MILEPOST_KAFKA_PORT: 'Kafka', MILEPOST_HTTP_PORT: 'HTTP' } as const;
  for (const [variable, protocol] of Object.entries(wanted) as [keyof typeof wanted, string][]) {
    const port = Number(environment[variable]);
    const whose = `the ${protocol} port of broker ${environment.MILEPOST_BROKER_ID}`;
    if (port > LAST_PORT) throw new Error(`${whose} would be ${port}, beyond ${LAST_PORT}: set a lower ${variable}`);
    if (port === 0 || (await isFree(port, host))) continue;
    throw new Error(
      `${host}:${port}, ${whose}, is in use by another process: stop that one, or set another ${variable}`,
    );
  }
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((answer) => {
    const probe = createServer();
    probe.once('error', () => answer(false));
    probe.listen(port, host, () => probe.close(() => answer(true)));
  });
}
