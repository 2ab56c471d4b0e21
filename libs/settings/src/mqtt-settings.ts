// The MQTT listeners: their ports, TLS, and how devices authenticate. Key and certificate of TLS are files; passwords can be.
import { z } from 'zod';
import { aPort, portOrOff, setting, text, type Value } from './row.ts';

const file = 'a file';
const aCount = 'a whole number from 1 to 9999999999';
const count = z
  .string()
  .regex(/^[1-9]\d{0,9}$/)
  .transform(Number);

export const mqttTable = {
  mqttListen: setting({
    variable: 'MILEPOST_MQTT_LISTEN',
    schema: text.regex(/^\S+$/),
    expected: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
    meaning: 'Address that the ports of MQTT listen on. Unset: that of MILEPOST_LISTEN.',
  }),
  mqttPort: setting({
    variable: 'MILEPOST_MQTT_PORT',
    schema: portOrOff,
    expected: `${aPort}, or off`,
    fallback: '1883',
    meaning: 'Port of MQTT over TCP; off: not opened.',
  }),
  mqttWsPort: setting({
    variable: 'MILEPOST_MQTT_WS_PORT',
    schema: portOrOff,
    expected: `${aPort}, or off`,
    fallback: '8083',
    meaning: 'Port of MQTT over WebSocket; off: not opened.',
  }),
  mqttsPort: setting({
    variable: 'MILEPOST_MQTTS_PORT',
    schema: portOrOff,
    expected: `${aPort}, or off`,
    fallback: 'off',
    meaning: 'Port of MQTT over TLS, usually 8883; off: not opened.',
  }),
  mqttWssPort: setting({
    variable: 'MILEPOST_MQTT_WSS_PORT',
    schema: portOrOff,
    expected: `${aPort}, or off`,
    fallback: 'off',
    meaning: 'Port of MQTT over secure WebSocket, usually 8084; off: not opened.',
  }),
  mqttAuthentication: setting({
    variable: 'MILEPOST_MQTT_AUTHENTICATION',
    schema: z.enum(['none', 'required']),
    expected: 'none or required',
    fallback: 'none',
    meaning:
      'required: a device needs a certificate, or a user name and password (`milepost devices add`), and publishes and subscribes only ' +
      'as itself. none: everybody may do everything.',
  }),
  mqttClientCaFile: setting({
    variable: 'MILEPOST_MQTT_CLIENT_CA_FILE',
    schema: text,
    expected: file,
    meaning: 'PEM file of the authorities for certificates of devices. Unset: no device is asked for one.',
  }),
  mqttClientCertificate: setting({
    variable: 'MILEPOST_MQTT_CLIENT_CERTIFICATE',
    schema: z.enum(['requested', 'required']),
    expected: 'requested or required',
    fallback: 'requested',
    meaning:
      'With MILEPOST_MQTT_CLIENT_CA_FILE. required: a device without a certificate cannot connect by TLS; requested: it needs a password.',
  }),
  mqttCertificateName: setting({
    variable: 'MILEPOST_MQTT_CERTIFICATE_NAME',
    schema: z.enum(['subject', 'dns', 'uri', 'email']),
    expected: 'subject, dns, uri or email',
    fallback: 'subject',
    meaning:
      'The name in the certificate of a device: its subject, or the first alternative name (SAN) of that kind. Without mapping rules, ' +
      'the common name of the subject, or the alternative name, is the device id.',
  }),
  mqttMappingRules: setting({
    variable: 'MILEPOST_MQTT_PRINCIPAL_MAPPING_RULES',
    schema: text,
    expected: "rules as in Kafka's ssl.principal.mapping.rules",
    meaning:
      "Maps that name (a subject as in RFC 2253) to the device id, by the rules of Kafka's ssl.principal.mapping.rules: " +
      'for example RULE:^CN=([^,]+),O=Depot.*$/$1/L.',
  }),
  mqttJwtKeysUrl: setting({
    variable: 'MILEPOST_MQTT_JWT_KEYS_URL',
    schema: text.regex(/^(https?:\/\/[^/]|file:\/)/),
    expected: 'a URL with https:, http: or file:',
    meaning:
      'Where the public keys of an identity provider are (a JSON Web Key Set). Set: a device may connect with a JSON Web Token of that ' +
      'provider as its password, and an empty user name or its id.',
  }),
  mqttJwtIssuer: setting({
    variable: 'MILEPOST_MQTT_JWT_ISSUER',
    schema: text,
    expected: 'the issuer of tokens',
    meaning: 'The issuer (iss) that such a token must name.',
  }),
  mqttJwtAudience: setting({
    variable: 'MILEPOST_MQTT_JWT_AUDIENCE',
    schema: text,
    expected: 'an audience of tokens, several separated by commas',
    meaning: 'Such a token must be for one of these (aud).',
  }),
  mqttJwtDeviceClaim: setting({
    variable: 'MILEPOST_MQTT_JWT_DEVICE_CLAIM',
    schema: text,
    expected: 'the name of a claim',
    fallback: 'sub',
    meaning: 'The claim of such a token that is the device id.',
  }),
  routes: setting({
    variable: 'MILEPOST_MQTT_ROUTES',
    schema: text,
    expected: 'a JSON list of routes',
    meaning:
      'Routes instead of the built-in ones, as JSON: MQTT filter, decoder, log topic and more (docs/DEVICES.md). Routes in the database are ' +
      'added to them, and replace those of the same name.',
  }),
  routesFile: setting({
    variable: 'MILEPOST_MQTT_ROUTES_FILE',
    schema: text,
    expected: file,
    meaning: 'The same in a file, as `milepost routes export` writes it. Read at the start.',
  }),
  mqttMaxSessions: setting({
    variable: 'MILEPOST_MQTT_MAX_SESSIONS',
    schema: count,
    expected: aCount,
    fallback: '100000',
    meaning: 'Persistent MQTT sessions that are stored. Beyond it the session whose device left longest ago ends.',
  }),
  mqttSessionExpirySeconds: setting({
    variable: 'MILEPOST_MQTT_SESSION_EXPIRY_SECONDS',
    schema: count,
    expected: aCount,
    fallback: '604800',
    meaning:
      'How long a persistent MQTT session lasts after its device has left. MQTT 5 devices may ask for less (Session Expiry Interval).',
  }),
  mqttMaxQueuedMessages: setting({
    variable: 'MILEPOST_MQTT_MAX_QUEUED_MESSAGES',
    schema: z
      .string()
      .regex(/^[1-9]\d{0,4}$/)
      .transform(Number)
      .pipe(z.number().max(32_000)),
    expected: 'a whole number from 1 to 32000',
    fallback: '1000',
    meaning: 'Messages of QoS 1 and 2 that are queued for one device; further ones are dropped and counted.',
  }),
  mqttMaxQueuedBytes: setting({
    variable: 'MILEPOST_MQTT_MAX_QUEUED_BYTES',
    schema: count,
    expected: 'a whole number of bytes from 1 to 9999999999',
    fallback: '67108864',
    meaning: 'The size of all queued messages; they are in memory as well as in the database.',
  }),
  mqttMessageExpirySeconds: setting({
    variable: 'MILEPOST_MQTT_MESSAGE_EXPIRY_SECONDS',
    schema: count,
    expected: aCount,
    fallback: '604800',
    meaning:
      'How long a message is queued for a device that is away. An MQTT 5 publisher may ask for less (Message Expiry Interval).',
  }),
  mqttMaxRetainedMessages: setting({
    variable: 'MILEPOST_MQTT_MAX_RETAINED_MESSAGES',
    schema: count,
    expected: aCount,
    fallback: '10000',
    meaning: 'Topics with a retained message, of 64 KiB at most; further ones are not retained.',
  }),
} as const;

export const tlsTable = {
  tlsCertFile: setting({
    variable: 'MILEPOST_TLS_CERT_FILE',
    schema: text,
    expected: file,
    meaning:
      "PEM file of the server's certificate, with intermediate ones after it. Read again when it changes, without a restart. " +
      "For HTTP, MQTT and Kafka's listeners; for the latter KAFKA_SSL_KEYSTORE_LOCATION may name another.",
  }),
  tlsKeyFile: setting({
    variable: 'MILEPOST_TLS_KEY_FILE',
    schema: text,
    expected: file,
    meaning: "PEM file of that certificate's private key. Unset: it is in the file of the certificate.",
  }),
  tlsKeystoreFile: setting({
    variable: 'MILEPOST_TLS_KEYSTORE_FILE',
    schema: text,
    expected: file,
    meaning: 'PKCS#12 file of certificate and key, instead of PEM files.',
  }),
  tlsPassword: setting({
    variable: 'MILEPOST_TLS_PASSWORD',
    schema: text,
    expected: 'a password',
    meaning: 'The password of the private key or of the PKCS#12 file; or MILEPOST_TLS_PASSWORD_FILE.',
    isSecret: true,
  }),
  tlsPasswordFile: setting({
    variable: 'MILEPOST_TLS_PASSWORD_FILE',
    schema: text,
    expected: file,
    meaning: 'File with that password and nothing else; a line break at its end is ignored.',
  }),
  tlsMinVersion: setting({
    variable: 'MILEPOST_TLS_MIN_VERSION',
    schema: z.enum(['TLSv1.2', 'TLSv1.3']),
    expected: 'TLSv1.2 or TLSv1.3',
    fallback: 'TLSv1.2',
    meaning: 'The oldest version of TLS that is accepted.',
  }),
} as const;

const both = { ...mqttTable, ...tlsTable };
export type MqttSettings = { readonly [Name in keyof typeof both]: Value<(typeof both)[Name]> };

/** Settings that do not fit together, a line for each. A setting without effect is a mistake: the user meant something else. */
export function mqttMistakes(settings: MqttSettings): string[] {
  const { tlsCertFile, tlsKeyFile, tlsKeystoreFile, tlsPassword, tlsPasswordFile } = settings;
  const { mqttsPort, mqttWssPort, mqttClientCaFile, mqttAuthentication, mqttMappingRules } = settings;
  const mistakes: string[] = [];
  if (settings.routes !== undefined && settings.routesFile !== undefined)
    mistakes.push('MILEPOST_MQTT_ROUTES: expected it or MILEPOST_MQTT_ROUTES_FILE, got both');
  const withTls = mqttsPort !== undefined || mqttWssPort !== undefined;
  if (withTls && tlsCertFile === undefined && tlsKeystoreFile === undefined)
    mistakes.push(
      `MILEPOST_TLS_CERT_FILE: expected the certificate for ${mqttsPort === undefined ? 'MILEPOST_MQTT_WSS_PORT' : 'MILEPOST_MQTTS_PORT'}, got none`,
    );
  if (tlsKeystoreFile !== undefined && (tlsCertFile !== undefined || tlsKeyFile !== undefined))
    mistakes.push('MILEPOST_TLS_KEYSTORE_FILE: expected it, or MILEPOST_TLS_CERT_FILE and _KEY_FILE, got both');
  if (tlsPassword !== undefined && tlsPasswordFile !== undefined)
    mistakes.push('MILEPOST_TLS_PASSWORD: expected it or MILEPOST_TLS_PASSWORD_FILE, got both');
  if (mqttClientCaFile !== undefined && !withTls)
    mistakes.push(
      'MILEPOST_MQTT_CLIENT_CA_FILE: is for MILEPOST_MQTTS_PORT and MILEPOST_MQTT_WSS_PORT, and both are off',
    );
  if (mqttClientCaFile !== undefined && mqttAuthentication === 'none')
    mistakes.push(
      'MILEPOST_MQTT_CLIENT_CA_FILE: is for MILEPOST_MQTT_AUTHENTICATION=required, which is none: certificates would not count',
    );
  mistakes.push(...jwtMistakes(settings));
  if (mqttMappingRules !== undefined && mqttClientCaFile === undefined)
    mistakes.push('MILEPOST_MQTT_PRINCIPAL_MAPPING_RULES: is for MILEPOST_MQTT_CLIENT_CA_FILE, and there is none');
  return mistakes;
}

function jwtMistakes({ mqttJwtKeysUrl, mqttJwtIssuer, mqttJwtAudience, mqttAuthentication }: MqttSettings): string[] {
  const needed = { MILEPOST_MQTT_JWT_ISSUER: mqttJwtIssuer, MILEPOST_MQTT_JWT_AUDIENCE: mqttJwtAudience };
  if (mqttJwtKeysUrl === undefined)
    return Object.entries(needed)
      .filter(([, value]) => value !== undefined)
      .map(([variable]) => `${variable}: is for MILEPOST_MQTT_JWT_KEYS_URL, and there is none`);
  const mistakes = Object.entries(needed)
    .filter(([, value]) => value === undefined)
    .map(
      ([variable]) => `${variable}: expected it, or tokens that are meant for others would let devices in; got none`,
    );
  if (mqttAuthentication === 'none')
    mistakes.push(
      'MILEPOST_MQTT_JWT_KEYS_URL: is for MILEPOST_MQTT_AUTHENTICATION=required, which is none: tokens would not count',
    );
  return mistakes;
}
