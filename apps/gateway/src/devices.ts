// The devices that may connect, for one gateway: who they are is in PostgreSQL, and a change of another process is noticed here.
import type { Host, Logger } from '@milepost/core';
import { DeviceDoor } from '@milepost/ingress';
import { nodeReadText } from '@milepost/node-host';
import { DeviceFollower, PostgresDeviceStore } from '@milepost/postgres';
import type { Route } from '@milepost/routes';
import { CertificateNames, DeviceAuthenticator, JwtVerifier, MappingRuleRefused } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import type { DataSource } from 'typeorm';

/** A key that the provider withdraws counts for that long. */
const KEYS_MAX_AGE_MS = 600_000;
const CLOCK_SKEW_SECONDS = 30;

export interface DevicesDeps {
  readonly database: DataSource;
  readonly host: Host;
  readonly logger: Logger;
  readonly settings: Settings;
  readonly routes: readonly Route[];
}

export class Devices {
  readonly door: DeviceDoor;
  readonly #authenticator: DeviceAuthenticator;
  readonly #follower: DeviceFollower;
  readonly #tokens: JwtVerifier | undefined;

  constructor({ database, host, logger, settings, routes }: DevicesDeps) {
    const { clock, keys, random, meter } = host;
    const directory = new PostgresDeviceStore(database);
    this.#tokens = tokensOf(settings, { clock, logger });
    const tokens = this.#tokens;
    const authenticator = new DeviceAuthenticator({ clock, keys, random, meter, logger, directory, tokens });
    this.door = new DeviceDoor(authenticator, namesOf(settings), routes);
    this.#authenticator = authenticator;
    this.#follower = new DeviceFollower(database, logger, () => authenticator.changed());
  }

  start(): void {
    this.#follower.start();
    void this.#tokens?.readAhead();
  }

  async stop(): Promise<void> {
    await this.#follower.stop();
    await this.#authenticator.close();
  }
}

function tokensOf(settings: Settings, host: Pick<Host, 'clock' | 'logger'>): JwtVerifier | undefined {
  const { mqttJwtKeysUrl: url, mqttJwtIssuer: issuer, mqttJwtAudience = '', mqttJwtDeviceClaim } = settings;
  if (url === undefined) return undefined;
  return new JwtVerifier(
    { ...host, readText: nodeReadText },
    {
      keys: { url, maxAgeMs: KEYS_MAX_AGE_MS },
      issuer,
      audience: mqttJwtAudience.split(',').map((one) => one.trim()),
      clockSkewSeconds: CLOCK_SKEW_SECONDS,
      subjectClaim: mqttJwtDeviceClaim,
    },
  );
}

function namesOf({ mqttCertificateName, mqttMappingRules }: Settings): CertificateNames {
  try {
    return new CertificateNames(mqttCertificateName, mqttMappingRules);
  } catch (failure) {
    if (!(failure instanceof MappingRuleRefused)) throw failure;
    throw new Error(`MILEPOST_MQTT_PRINCIPAL_MAPPING_RULES: ${failure.message}`);
  }
}
