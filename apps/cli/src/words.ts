// Shared by the commands: parsing of arguments.

/** @throws the usage, unless there is exactly one */
export function onlyArgument(args: readonly string[], usage: string): string {
  const [argument, ...rest] = args;
  if (argument === undefined || rest.length > 0 || argument.startsWith('-')) throw new Error(usage);
  return argument;
}

export const say = (line: string): void => void process.stderr.write(`[milepost] ${line}\n`);
