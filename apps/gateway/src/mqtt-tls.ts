// The TLS of the MQTT listeners, from the settings: key and certificate of the server, the authorities of devices.
import { readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Host, Logger } from '@milepost/core';
import { secureServer } from '@milepost/node-host';
import { TlsFiles, tlsMetrics } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import { certificateSetting, fileOf, serverCertificate } from '../../chassis/src/index.ts';

export class MqttTls {
  readonly #files: TlsFiles;
  readonly #settings: Settings;
  readonly #failed: (reason: string, client?: { readonly host: string }) => void;

  /** Undefined: no listener has TLS. @throws TlsFileRefused */
  static of(settings: Settings, host: Host, logger: Logger): MqttTls | undefined {
    const { mqttsPort, mqttWssPort } = settings;
    return mqttsPort === undefined && mqttWssPort === undefined ? undefined : new MqttTls(settings, host, logger);
  }

  private constructor(settings: Settings, { clock, meter }: Host, logger: Logger) {
    this.#settings = settings;
    const metrics = tlsMetrics(meter, 'mqtt', 'the MQTT listeners with TLS');
    this.#files = new TlsFiles({
      host: { clock, logger },
      settings: {
        ...serverCertificate(settings),
        authorities: fileOf('MILEPOST_MQTT_CLIENT_CA_FILE', settings.mqttClientCaFile),
      },
      expiry: metrics.expiry,
      listeners: 'the MQTT listeners',
      readFile: (path) => readFileSync(path),
    });
    metrics.failedHandshakes.add(0);
    this.#failed = (reason, client) => {
      if (client) metrics.failedHandshakes.add();
      logger.info({ ...(client && { client: client.host }) }, `TLS handshake of MQTT failed: ${reason}`);
    };
  }

  /** @throws Error naming the setting, if key and certificate cannot be used. */
  server(accept: (socket: TLSSocket) => void): Server {
    const { mqttClientCaFile, mqttClientCertificate, tlsMinVersion } = this.#settings;
    try {
      return secureServer(
        { noDelay: true },
        {
          material: () => this.#files.material,
          clientCertificate: mqttClientCaFile === undefined ? 'none' : mqttClientCertificate,
          versions: { least: tlsMinVersion, most: 'TLSv1.3' },
          failed: this.#failed,
        },
        accept,
      );
    } catch (failure) {
      const setting = certificateSetting(this.#settings);
      throw new Error(`${setting}: expected a key and certificate that can be used: ${(failure as Error).message}`);
    }
  }

  close(): void {
    this.#files.close();
  }
}
