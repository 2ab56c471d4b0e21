// Apache Kafka 4.3.1 from Maven's central repository, in .cache/compat: the judge, and the scripts that tests call.
import { chmodSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetched } from '../support/fetched.ts';
import { cache, here, run } from './suite.ts';

/** The folder of the jars. @throws Error when Maven cannot bring them. */
export async function kafkaJars(): Promise<string> {
  const jars = cache('kafka-4.3.1-all');
  if (existsSync(jars)) return jars;
  const goal = ['-q', '-B', '-f', here('kafka', 'pom.xml'), 'dependency:copy-dependencies'];
  const copied = await fetched(() => run('maven', 'mvn', [...goal, '-U', `-DoutputDirectory=${jars}.partly`]));
  if (copied.status === 0) {
    renameSync(`${jars}.partly`, jars);
    return jars;
  }
  throw new Error(`Maven could not bring Apache Kafka: ${copied.output.trim().split('\n')[0] ?? ''}`);
}

/** A folder with `bin/kafka-topics.sh`, similar scripts and the jars in `libs`: the tests' KAFKA_PATH. */
export async function kafkaPath(): Promise<string> {
  const jars = await kafkaJars();
  const path = cache('kafka-path');
  mkdirSync(join(path, 'bin'), { recursive: true });
  const libs = join(path, 'libs');
  if (!existsSync(libs)) symlinkSync(jars, libs);
  for (const [name, program] of Object.entries(SCRIPTS)) {
    const script = join(path, 'bin', name);
    const java = `exec java -Xmx128m -XX:TieredStopAtLevel=1 -cp '${join(jars, '*')}'"\${CLASSPATH:+:$CLASSPATH}"`;
    writeFileSync(script, `#!/bin/sh\n${java} ${program} "$@"\n`);
    chmodSync(script, 0o755);
  }
  return path;
}

const SCRIPTS = {
  'kafka-topics.sh': 'org.apache.kafka.tools.TopicCommand',
  'kafka-acls.sh': 'org.apache.kafka.tools.AclCommand',
  /** Runs the class that its caller names. */
  'kafka-run-class.sh': '',
};
