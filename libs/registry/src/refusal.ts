// Why a request is refused, in the numbers of Confluent's Schema Registry: clients decide by them what to do next. The first
// three digits are the HTTP status.

export class RegistryRefusal extends Error {
  override readonly name = 'RegistryRefusal';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return Number(String(this.code).slice(0, 3));
  }
}

export const refusal = {
  subjectNotFound: (subject: string) => new RegistryRefusal(40401, `Subject '${subject}' not found.`),
  versionNotFound: (version: number | string) => new RegistryRefusal(40402, `Version ${version} not found.`),
  schemaNotFound: (id?: number) =>
    new RegistryRefusal(40403, id === undefined ? 'Schema not found' : `Schema ${id} not found`),
  subjectSoftDeleted: (subject: string) =>
    new RegistryRefusal(40404, `Subject '${subject}' was soft deleted. Set permanent=true to delete permanently`),
  subjectNotSoftDeleted: (subject: string) =>
    new RegistryRefusal(40405, `Subject '${subject}' was not deleted first before being permanently deleted`),
  versionSoftDeleted: (subject: string, version: number) =>
    new RegistryRefusal(
      40406,
      `Subject '${subject}' Version ${version} was soft deleted. Set permanent=true to delete permanently`,
    ),
  versionNotSoftDeleted: (subject: string, version: number) =>
    new RegistryRefusal(
      40407,
      `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`,
    ),
  noSubjectCompatibility: (subject: string) =>
    new RegistryRefusal(40408, `Subject '${subject}' does not have subject-level compatibility configured`),
  noSubjectMode: (subject: string) =>
    new RegistryRefusal(40409, `Subject '${subject}' does not have subject-level mode configured`),
  incompatible: (subject: string, details: readonly string[]) =>
    new RegistryRefusal(
      409,
      `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: ` +
        `[${details.join(', ')}]`,
    ),
  invalidSchema: (reason: string) => new RegistryRefusal(42201, `Invalid schema: ${reason}`),
  invalidVersion: (version: string) =>
    new RegistryRefusal(
      42202,
      `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
    ),
  invalidCompatibility: (level: unknown) =>
    new RegistryRefusal(
      42203,
      `Invalid compatibility level ${JSON.stringify(level) ?? ''}: expected none, backward, forward, full, or one of ` +
        'backward_transitive, forward_transitive, full_transitive',
    ),
  invalidMode: (mode: unknown) =>
    new RegistryRefusal(
      42204,
      `Invalid mode ${JSON.stringify(mode) ?? ''}: expected READWRITE, READONLY, READONLY_OVERRIDE or IMPORT`,
    ),
  notPermitted: (reason: string) => new RegistryRefusal(42205, reason),
  referenceExists: (subject: string, version: number, by: readonly number[]) =>
    new RegistryRefusal(
      42206,
      `One or more references exist to the schema {subject=${subject},version=${version}}: it is used by schema ${by.join(', ')}`,
    ),
  invalidSubject: (subject: string, reason: string) =>
    new RegistryRefusal(42208, `The specified subject '${subject}' is not a valid subject: ${reason}`),
  invalidRuleSet: () =>
    new RegistryRefusal(42210, 'Rule sets and metadata of schemas are not supported: expected a schema without them'),
} as const;
