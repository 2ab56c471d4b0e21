// `milepost <command>`: one word, one program. Only the code of that command is loaded.
import { createRequire } from 'node:module';
import { fail } from '../../chassis/src/run.ts';
import { addSettingsFile } from '../../chassis/src/settings-file.ts';
import { type Command, readCommandLine } from './command-line.ts';

interface Program extends Command {
  run(args: readonly string[]): Promise<void>;
}

const broker = {
  config: { value: 'FILE', does: "broker properties under Kafka's own names, as in server.properties" },
};

const appliance = {
  ...broker,
  brokers: { value: 'N', does: 'a cluster of N brokers on this machine, ports in a row (1 to 5; 1 by default)' },
};

const commands: Record<string, Program> = {
  up: {
    does: 'the appliance: PostgreSQL, broker, gateway, dashboard and notifications in one process',
    options: appliance,
    run: async () => void (await import('../../appliance/src/main.ts')),
  },
  demo: {
    does: 'the appliance with 25 trucks on the streets of Gothenburg',
    options: appliance,
    run: async () => (await import('./demo.ts')).demo(),
  },
  broker: {
    does: 'the broker alone',
    options: broker,
    run: async () => void (await import('../../broker/src/main.ts')),
  },
  gateway: { does: 'the MQTT gateway alone', run: async () => void (await import('../../gateway/src/main.ts')) },
  dashboard: { does: 'the map and its API alone', run: async () => void (await import('../../dashboard/src/main.ts')) },
  notifications: {
    does: 'rules, alerts and webhooks alone',
    run: async () => void (await import('../../notifications/src/main.ts')),
  },
  'schema-registry': {
    does: 'the schema registry alone',
    run: async () => void (await import('../../schema-registry/src/main.ts')),
  },
  trucks: {
    does: 'trucks that publish to any MQTT gateway (--help lists the options)',
    options: 'own',
    run: async (args) => (await import('../../trucks/src/command.ts')).trucks(args),
  },
  topics: { does: 'the topics and their partitions', run: async () => (await import('./topics.ts')).topics() },
  groups: {
    does: 'the consumer groups with members and lag',
    run: async () => (await import('./groups.ts')).groups(),
  },
  secure: {
    does: 'certificates, an admin and settings for a first start on a network (--help lists the options)',
    options: 'own',
    run: async (args) => (await import('./secure/secure.ts')).secure(args),
  },
  secrets: {
    does: 'on Kubernetes: certificates and the admin of a release, as Secrets (--help lists the options)',
    options: 'own',
    run: async (args) => (await import('./secrets/secrets.ts')).secrets(args),
  },
  users: {
    does: 'who may sign in to the map, and tokens of scripts (--help lists the verbs)',
    options: 'own',
    run: async (args) => (await import('./users.ts')).users(args),
  },
  devices: {
    does: 'devices that may connect by MQTT: add, import, remove, block, list (--help lists the options)',
    options: 'own',
    run: async (args) => (await import('./devices.ts')).devices(args),
  },
  routes: {
    does: 'what becomes of MQTT messages: list, add, remove, try, export, import (--help lists the options)',
    options: 'own',
    run: async (args) => (await import('./routes.ts')).routes(args),
  },
  rules: {
    does: 'the rules for alerts: list, add, export, import, backtest (--help lists the verbs)',
    options: 'own',
    run: async (args) => (await import('./rules.ts')).rules(args),
  },
  backup: {
    does: 'copies the log and the database, running or stopped: milepost backup <folder>',
    operand: 'folder',
    run: async (args) => (await import('./backup.ts')).backup(args),
  },
  restore: {
    does: 'makes an empty data folder from a backup: milepost restore <folder>',
    operand: 'folder',
    run: async (args) => (await import('./restore.ts')).restore(args),
  },
  drain: {
    does: 'waits until the broker of this machine can be stopped without a partition that lacks replicas',
    options: { seconds: { value: 'N', does: 'how long at most (300 by default); then status 1' } },
    run: async (args) => (await import('./drain.ts')).drain(args),
  },
  config: { does: 'every setting: default, meaning, value', run: async () => (await import('./config.ts')).config() },
  doctor: { does: 'checks what a start would need', run: async () => (await import('./doctor.ts')).doctor() },
  migrate: { does: 'brings the database to this version', run: async () => (await import('./migrate.ts')).migrate() },
};

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };
try {
  const line = readCommandLine(process.argv.slice(2), commands, version);
  if (line.kind === 'print') process.stdout.write(line.text);
  else {
    addSettingsFile(process.env);
    await commands[line.name]?.run(line.args);
  }
} catch (error) {
  fail(error);
}
