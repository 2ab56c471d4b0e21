// The key and certificate of MILEPOST_TLS_*, which the ports of MQTT, HTTP and Kafka share.
import type { FileSetting, TlsFileSettings } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import { passwordOfSetting } from './setting-file.ts';

type TlsSettings = Pick<
  Settings,
  'tlsKeystoreFile' | 'tlsCertFile' | 'tlsKeyFile' | 'tlsPassword' | 'tlsPasswordFile' | 'tlsMinVersion'
>;

export const hasServerCertificate = ({ tlsCertFile, tlsKeystoreFile }: TlsSettings): boolean =>
  tlsCertFile !== undefined || tlsKeystoreFile !== undefined;

/** The settings are validated: one of the files is named. @throws Error naming the setting whose file cannot be read. */
export function serverCertificate(settings: TlsSettings): Omit<TlsFileSettings, 'authorities'> {
  const { tlsKeystoreFile, tlsCertFile = '', tlsKeyFile, tlsPassword, tlsPasswordFile } = settings;
  return {
    type: tlsKeystoreFile === undefined ? 'PEM' : 'PKCS12',
    certificate: { setting: certificateSetting(settings), path: tlsKeystoreFile ?? tlsCertFile },
    key: fileOf('MILEPOST_TLS_KEY_FILE', tlsKeyFile),
    passphrase: tlsPassword ?? passwordOfSetting('MILEPOST_TLS_PASSWORD_FILE', tlsPasswordFile),
  };
}

export const certificateSetting = ({ tlsKeystoreFile }: Pick<Settings, 'tlsKeystoreFile'>): string =>
  tlsKeystoreFile === undefined ? 'MILEPOST_TLS_CERT_FILE' : 'MILEPOST_TLS_KEYSTORE_FILE';

export const fileOf = (setting: string, path: string | undefined): FileSetting | undefined =>
  path === undefined ? undefined : { setting, path };
