// The devices that may connect, for one gateway: who they are is in PostgreSQL, and a change of another process is noticed here.
import type { Host, Logger } from '@milepost/core';
import { DeviceDoor } from '@milepost/ingress';
import { DeviceFollower, PostgresDeviceStore } from '@milepost/postgres';
import type { Route } from '@milepost/routes';
import { CertificateNames, DeviceAuthenticator, MappingRuleRefused } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import type { DataSource } from 'typeorm';

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

  constructor({ database, host, logger, settings, routes }: DevicesDeps) {
    const { clock, keys, random, meter } = host;
    const directory = new PostgresDeviceStore(database);
    const authenticator = new DeviceAuthenticator({ clock, keys, random, meter, logger, directory });
    this.door = new DeviceDoor(authenticator, namesOf(settings), routes);
    this.#authenticator = authenticator;
    this.#follower = new DeviceFollower(database, logger, () => authenticator.changed());
  }

  start(): void {
    this.#follower.start();
  }

  async stop(): Promise<void> {
    await this.#follower.stop();
    await this.#authenticator.close();
  }
}

function namesOf({ mqttCertificateName, mqttMappingRules }: Settings): CertificateNames {
  try {
    return new CertificateNames(mqttCertificateName, mqttMappingRules);
  } catch (failure) {
    if (!(failure instanceof MappingRuleRefused)) throw failure;
    throw new Error(`MILEPOST_MQTT_PRINCIPAL_MAPPING_RULES: ${failure.message}`);
  }
}
