// What is measured of the TLS of a port: the same for Kafka, MQTT and HTTP.
import type { Counter, Gauge, Meter } from '@milepost/core';

export interface TlsMetrics {
  readonly expiry: Gauge;
  readonly failedHandshakes: Counter;
}

/** `milepost_<port>_certificate_expiry_seconds` and `milepost_<port>_tls_handshakes_failed_total`. */
export const tlsMetrics = (meter: Meter, port: 'kafka' | 'mqtt' | 'http', listeners: string): TlsMetrics => ({
  expiry: meter.gauge(
    `milepost_${port}_certificate_expiry_seconds`,
    `When the certificate of ${listeners} ends, in seconds since 1970 (of PEM files).`,
  ),
  failedHandshakes: meter.counter(
    `milepost_${port}_tls_handshakes_failed_total`,
    'Connections that ended before their TLS handshake was done.',
  ),
});
