import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addSettingsFile } from './settings-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'mp-'));
afterAll(() => rmSync(folder, { recursive: true }));

const added = (text: string, environment: Record<string, string> = {}) => {
  writeFileSync(join(folder, 'settings.env'), text);
  const result: Record<string, string | undefined> = { MILEPOST_DATA_DIR: folder, ...environment };
  addSettingsFile(result);
  return result;
};

test('settings.env of the data folder is read, and the environment wins', () => {
  const text = '# Doors\n\nMILEPOST_HTTP_TLS=true\r\nKAFKA_LISTENERS=A://h:1,B://h:2\nMILEPOST_MQTT_PORT=off\n';
  expect(added(text, { MILEPOST_MQTT_PORT: '1883' })).toEqual({
    MILEPOST_DATA_DIR: folder,
    MILEPOST_HTTP_TLS: 'true',
    KAFKA_LISTENERS: 'A://h:1,B://h:2',
    MILEPOST_MQTT_PORT: '1883',
  });
});

test('without a file there is nothing to add; one that is named must exist', () => {
  const environment = { MILEPOST_DATA_DIR: join(folder, 'none') };
  expect(() => addSettingsFile(environment)).not.toThrow();
  expect(() => addSettingsFile({ MILEPOST_SETTINGS_FILE: join(folder, 'none') })).toThrow(
    /^MILEPOST_SETTINGS_FILE: expected a file that can be read, got .*none \(ENOENT\)$/,
  );
});

test.each(['MILEPOST_HTTP_TLS', 'export MILEPOST_HTTP_TLS=true', 'PATH=/tmp', 'NODE_OPTIONS=--require=/x'])(
  'the line "%s" is refused with its number',
  (line) => {
    expect(() => added(`# one\n${line}\n`)).toThrow(/settings\.env, line 2: expected NAME=value with a setting's name/);
  },
);
