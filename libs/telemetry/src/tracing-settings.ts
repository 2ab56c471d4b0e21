// The OTEL_* variables, under OpenTelemetry's own names. Traces are off unless one of them turns them on. As
// OpenTelemetry requires, a value that makes no sense is reported and ignored: it never prevents a program from
// starting.

export interface TracingSettings {
  readonly exporter: 'otlp' | 'console';
  readonly protocol: 'http/protobuf' | 'http/json';
  readonly sampler: Sampler;
  /** The sampled share of new traces, 0 to 1. */
  readonly ratio: number;
  /** The endpoint, for people; the exporter reads the variables itself. */
  readonly endpoint: string;
  readonly batch: {
    readonly scheduledDelayMillis: number;
    readonly exportTimeoutMillis: number;
    readonly maxQueueSize: number;
    readonly maxExportBatchSize: number;
  };
}

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
type Sampler = (typeof SAMPLERS)[number];
const PROTOCOLS = ['http/protobuf', 'http/json'] as const;
const EXPORTERS = ['otlp', 'console', 'none'] as const;

const DEFAULT_RATIO = 0.01;
const DEFAULT_ENDPOINT = 'http://localhost:4318';

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined: no traces. `warn` is called for each value that is not understood. */
export function readTracingSettings(env: Environment, warn: (line: string) => void): TracingSettings | undefined {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const wished = oneOf(env, 'OTEL_TRACES_EXPORTER', EXPORTERS, endpoint ? 'otlp' : 'none', warn);
  if (wished === 'none' || env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  const ownProtocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'];
  const protocolName = ownProtocol ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL' : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const number = (name: string, most: number, fallback: number): number => numberOf(env, name, most, fallback, warn);
  const maxQueueSize = number('OTEL_BSP_MAX_QUEUE_SIZE', 1_000_000, 2048);
  return {
    exporter: wished,
    protocol: oneOf(env, protocolName, PROTOCOLS, 'http/protobuf', warn),
    sampler: oneOf(env, 'OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_traceidratio', warn),
    ratio: number('OTEL_TRACES_SAMPLER_ARG', 1, DEFAULT_RATIO),
    endpoint: endpoint || DEFAULT_ENDPOINT,
    batch: {
      scheduledDelayMillis: number('OTEL_BSP_SCHEDULE_DELAY', 3_600_000, 5_000),
      exportTimeoutMillis: number('OTEL_BSP_EXPORT_TIMEOUT', 3_600_000, 30_000),
      maxQueueSize,
      maxExportBatchSize: Math.min(maxQueueSize, number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 1_000_000, 512)),
    },
  };
}

function oneOf<Name extends string>(
  env: Environment,
  variable: string,
  names: readonly Name[],
  fallback: Name,
  warn: (line: string) => void,
): Name {
  const seen = env[variable];
  if (!seen) return fallback;
  const known = names.find((name) => name === seen);
  if (known === undefined) warn(`${variable}: expected ${names.join(', ')}, got "${seen}"; taken as ${fallback}`);
  return known ?? fallback;
}

function numberOf(
  env: Environment,
  variable: string,
  most: number,
  fallback: number,
  warn: (line: string) => void,
): number {
  const seen = env[variable];
  if (!seen) return fallback;
  const value = Number(seen);
  if (value >= 0 && value <= most) return value;
  warn(`${variable}: expected a number from 0 to ${most}, got "${seen}"; taken as ${fallback}`);
  return fallback;
}
