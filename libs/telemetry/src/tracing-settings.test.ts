import { readTracingSettings } from './tracing-settings.ts';

const read = (env: Record<string, string>) => {
  const warnings: string[] = [];
  return { settings: readTracingSettings(env, (line) => warnings.push(line)), warnings };
};

test('traces are off until an exporter or an endpoint is named', () => {
  expect(read({}).settings).toBeUndefined();
  expect(read({ OTEL_SERVICE_NAME: 'fleet' }).settings).toBeUndefined();
  expect(read({ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }).settings).toBeUndefined();
  expect(read({ OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'otlp' }).settings).toBeUndefined();
});

test('one in a hundred is sampled by default', () => {
  const { settings } = read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' });
  expect(settings).toMatchObject({ exporter: 'otlp', protocol: 'http/protobuf', sampler: 'parentbased_traceidratio' });
  expect(settings?.ratio).toBe(0.01);
  expect(read({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER_ARG: '0.5' }).settings?.ratio).toBe(0.5);
});

test('a value that makes no sense is reported and ignored', () => {
  const { settings, warnings } = read({
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_TRACES_SAMPLER_ARG: 'half',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
  });
  expect(settings).toMatchObject({ ratio: 0.01, protocol: 'http/protobuf' });
  expect(warnings).toEqual([
    'OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf, http/json, got "grpc"; taken as http/protobuf',
    'OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got "half"; taken as 0.01',
  ]);
});

test('a variable for traces takes precedence over one for all signals', () => {
  const { settings } = read({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:4318/v1/traces',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
  });
  expect(settings).toMatchObject({ endpoint: 'http://traces:4318/v1/traces', protocol: 'http/json' });
});
