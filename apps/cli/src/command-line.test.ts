import { type Command, readCommandLine, WrongCommandLine } from './command-line.ts';

const commands: Record<string, Command> = {
  broker: { does: 'the broker alone', options: { config: { value: 'FILE', does: 'broker properties' } } },
  groups: { does: 'the consumer groups' },
  backup: { does: 'copies everything', operand: 'folder' },
  trucks: { does: 'trucks', options: 'own' },
};
const read = (...args: string[]) => readCommandLine(args, commands, '1.2.3');

test.each([
  [[], /^usage: milepost <command>.*\n.*\n\n +broker +the broker alone/],
  [['--help'], /^usage: milepost <command>/],
  [['groups', '--help'], /^usage: milepost groups/],
  [['backup', '--help'], /^usage: milepost backup <folder> \[options\]/],
  [['broker', '-h'], /--config FILE +broker properties/],
  [['broker', '--config', 'x', '--help'], /^usage: milepost broker/],
  [['--version'], /^1\.2\.3\n$/],
])('%j prints and starts nothing', (args, text) => {
  expect(read(...args)).toEqual({ kind: 'print', text: expect.stringMatching(text) });
});

test.each([
  [['broker', '--config', 'server.properties'], 'broker', ['--config', 'server.properties']],
  [['groups', '--verbose'], 'groups', []],
  [['backup', 'here'], 'backup', ['here']],
  [['trucks', '--trucks', '5', '--help'], 'trucks', ['--trucks', '5', '--help']],
])('%j runs', (args, name, rest) => {
  expect(read(...args)).toEqual({ kind: 'run', name, args: rest });
});

test.each([
  [['nope'], /^unknown command "nope"; one of: broker, groups, backup, trucks$/],
  [['toString'], /^unknown command/],
  [['groups', '--lag'], /^groups: Unknown option '--lag'; the options are --verbose --help$/],
  [['backup', '--fast'], /^backup: Unknown option '--fast'/],
  [['groups', 'mine'], /^groups: Unexpected argument 'mine'/],
  [['broker', '--config'], /^broker: .*--config.*missing/],
])('%j is refused in one line', (args, line) => {
  expect(() => read(...args)).toThrow(WrongCommandLine);
  expect(() => read(...args)).toThrow(line);
});
