// All commands. A new one is one entry in one of these files, and its line in ../kafka-4.3.1.txt and ../must-pass.txt.
import type { Command } from '../command.ts';
import { cluster } from './cluster.ts';
import { configs } from './configs.ts';
import { logFiles } from './log-files.ts';
import { topics } from './topics.ts';
import { traffic } from './traffic.ts';

export const commands: readonly Command[] = [...topics, ...configs, ...cluster, ...traffic, ...logFiles];
