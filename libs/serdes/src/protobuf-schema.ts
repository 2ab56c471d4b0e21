// A Protobuf schema: a .proto file, or its FileDescriptorProto in base64 (as Confluent's Python client registers it), with the
// files that it imports. protobufjs parses; the checks and the limits are here.
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { checkSize, type ResolvedSchema, SCHEMA_DEPTH_LIMIT, SchemaInvalid } from './schema.ts';

export interface ProtobufSchema {
  readonly root: protobuf.Root;
  /** The file's own messages in the order of the file, by which the wire format counts them. */
  readonly messages: readonly protobuf.Type[];
  readonly enums: readonly protobuf.Enum[];
  readonly packageName: string;
}

/** @throws SchemaInvalid */
export function parseProtobuf(schema: ResolvedSchema): ProtobufSchema {
  checkSize(schema);
  const root = new protobuf.Root();
  const file = addFile(root, schema.text);
  const parsed: ProtobufSchema = {
    root,
    packageName: file.packageName,
    // The types of the imported files are added below, perhaps to the same package.
    messages: membersOf(root, file.packageName).filter((member) => member instanceof protobuf.Type),
    enums: membersOf(root, file.packageName).filter((member) => member instanceof protobuf.Enum),
  };
  const imported = new Set<string>();
  for (const { name, text } of schema.references) {
    if (imported.has(name)) continue;
    imported.add(name);
    for (const one of addFile(root, text, name).imports) addWellKnown(root, one, imported);
  }
  for (const name of file.imports) addWellKnown(root, name, imported);
  const missing = file.imports.filter((name) => !imported.has(name));
  if (missing.length > 0) throw new SchemaInvalid(`imports without a reference: ${missing.join(', ')}`);
  if (parsed.messages.length + parsed.enums.length === 0)
    throw new SchemaInvalid('expected a message or an enum, got none');
  resolve(root);
  return parsed;
}

/** The message of a path such as [1, 0]: the first one in the second. */
export function messageAt({ messages }: ProtobufSchema, indexes: readonly number[]): protobuf.Type | undefined {
  let [found, ...rest] = [messages[indexes[0] ?? -1], ...indexes.slice(1)] as [protobuf.Type?, ...number[]];
  for (const index of rest) found = found?.nestedArray.filter((one) => one instanceof protobuf.Type)[index];
  return found;
}

interface File {
  readonly packageName: string;
  readonly imports: readonly string[];
}

function addFile(root: protobuf.Root, text: string, name?: string): File {
  const where = name === undefined ? '' : `${name}: `;
  try {
    return isBase64(text) ? addDescriptor(root, text) : addText(root, text);
  } catch (failure) {
    if (failure instanceof SchemaInvalid) throw new SchemaInvalid(where + failure.message);
    throw new SchemaInvalid(`${where}expected a .proto file: ${oneLine(failure)}`);
  }
}

function addText(root: protobuf.Root, text: string): File {
  checkNesting(text);
  const parsed = protobuf.parse(text, root);
  return { packageName: parsed.package ?? '', imports: [...(parsed.imports ?? []), ...(parsed.weakImports ?? [])] };
}

/** protobufjs descends for each brace: this is checked before the stack is. */
function checkNesting(text: string): void {
  let depth = 0;
  for (const brace of text.matchAll(/[{}]/g)) {
    depth += brace[0] === '{' ? 1 : -1;
    if (depth > SCHEMA_DEPTH_LIMIT) throw new SchemaInvalid(`expected at most ${SCHEMA_DEPTH_LIMIT} nested messages`);
  }
}

const isBase64 = (text: string): boolean => /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text);

interface FileDescriptor {
  readonly package?: string;
  readonly syntax?: string;
  readonly dependency?: readonly string[];
  readonly messageType?: readonly MessageDescriptor[];
  readonly enumType?: readonly object[];
}

interface MessageDescriptor {
  readonly field?: readonly { readonly name: string }[];
  readonly nestedType?: readonly MessageDescriptor[];
}

/** Type by type: `Root.fromDescriptor` resolves at once, before the imported files are there. */
function addDescriptor(root: protobuf.Root, text: string): File {
  const bytes = Buffer.from(text, 'base64');
  const file = descriptor.FileDescriptorProto.decode(bytes) as unknown as FileDescriptor;
  const packageName = file.package ?? '';
  const edition = file.syntax === 'proto3' ? 'proto3' : 'proto2';
  const target = packageName === '' ? root : root.define(packageName);
  for (const message of file.messageType ?? [])
    target.add(protobuf.Type.fromDescriptor(camelCased(message) as never, edition));
  for (const one of file.enumType ?? []) target.add(protobuf.Enum.fromDescriptor(one as never, edition));
  return { packageName, imports: file.dependency ?? [] };
}

/** protobufjs gives the fields of a .proto file these names, but leaves those of a descriptor as they are. */
const camelCased = (message: MessageDescriptor): MessageDescriptor => ({
  ...message,
  field: (message.field ?? []).map((field) => ({ ...field, name: protobuf.util.camelCase(field.name) })),
  nestedType: (message.nestedType ?? []).map(camelCased),
});

/**
 * A .proto file as its FileDescriptorProto in base64, which some clients prefer.
 * @throws SchemaInvalid for a file with imports: protobufjs does not describe them.
 */
export function describeProtobuf(text: string): string {
  if (isBase64(text)) return text;
  const root = new protobuf.Root();
  const { packageName, imports } = addFile(root, text);
  if (imports.length > 0) throw new SchemaInvalid('a schema with imports is not available as a descriptor');
  const { file } = (root.resolveAll() as unknown as { toDescriptor(edition: string): DescriptorSet }).toDescriptor(
    /^\s*syntax\s*=\s*["']proto3["']/m.test(text) ? 'proto3' : 'proto2',
  );
  const own = file.find((one) => (one.package ?? '') === packageName);
  return Buffer.from(descriptor.FileDescriptorProto.encode(own ?? {}).finish()).toString('base64');
}

interface DescriptorSet {
  readonly file: readonly (FileDescriptor & object)[];
}

function membersOf(root: protobuf.Root, packageName: string): protobuf.ReflectionObject[] {
  const found = packageName === '' ? root : root.lookup(packageName.split('.'), true);
  return found instanceof protobuf.Namespace ? [...found.nestedArray] : [];
}

/** Google's own files come with protobufjs. */
function addWellKnown(root: protobuf.Root, name: string, imported: Set<string>): void {
  if (imported.has(name)) return;
  const known = protobuf.common.get(name);
  if (!known?.nested) return;
  imported.add(name);
  root.addJSON(known.nested);
}

function resolve(root: protobuf.Root): void {
  try {
    root.resolveAll();
  } catch (failure) {
    throw new SchemaInvalid(oneLine(failure));
  }
}

const oneLine = (failure: unknown): string => String((failure as Error).message ?? failure).split('\n')[0] ?? '';
