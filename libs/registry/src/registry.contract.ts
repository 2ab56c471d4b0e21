// The promises of a registry on any store. The cases are those of Confluent's registry; its numbers decide what clients do.
import { RegistryRefusal } from './refusal.ts';
import { type Candidate, SchemaRegistry } from './registry.ts';
import { RegistryScopes } from './scopes.ts';
import { GLOBAL, type RegistryStore } from './store.ts';

export interface RegistryStoreUnderTest {
  /** Another process's store on the same rows. */
  another(): Promise<RegistryStore>;
  readonly store: RegistryStore;
  close(): Promise<void>;
}

const avro = (text: unknown, references: Candidate['references'] = []): Candidate => ({
  type: 'AVRO',
  text: JSON.stringify(text),
  references,
});
const record = (...fields: readonly unknown[]): Candidate => avro({ type: 'record', name: 'R', fields });
const A = { name: 'a', type: 'int' };
const B = { name: 'b', type: 'string' };
const B_DEFAULT = { ...B, default: '' };

export function registryContract(name: string, make: () => Promise<RegistryStoreUnderTest>): void {
  describe(name, () => {
    let it: RegistryStoreUnderTest;
    let registry: SchemaRegistry;
    let scopes: RegistryScopes;
    beforeEach(async () => {
      it = await make();
      registry = new SchemaRegistry(it.store);
      scopes = new RegistryScopes(it.store);
    });
    afterEach(() => it.close());

    const refusalOf = async (work: Promise<unknown>): Promise<number> => {
      const failure: unknown = await work.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure instanceof RegistryRefusal) return failure.code;
      throw failure ?? new Error('it was not refused');
    };

    test('a schema has one id in all subjects, and each subject its own versions', async () => {
      expect(await registry.register('x', avro('int'))).toEqual({ id: 1, version: 1 });
      expect(await registry.register('y', avro('string'))).toEqual({ id: 2, version: 1 });
      expect(await registry.register('x', avro('long'))).toEqual({ id: 3, version: 2 });
      expect(await registry.register('y', avro('int')).catch(() => 'incompatible')).toBe('incompatible');
      expect(await registry.register('z', avro('int'))).toEqual({ id: 1, version: 1 });
      expect(await registry.register('x', avro('int'))).toEqual({ id: 1, version: 1 });
      expect(await registry.versions('x', false)).toEqual([1, 2]);
      expect(await registry.subjects({})).toEqual(['x', 'y', 'z']);
      expect(await registry.subjects({ prefix: 'y' })).toEqual(['y']);
      expect(await registry.usesOf(1, false)).toMatchObject([
        { subject: 'x', version: 1 },
        { subject: 'z', version: 1 },
      ]);
    });

    test('the layout of a schema does not matter', async () => {
      await registry.register('x', { type: 'AVRO', text: '{ "type" : "string",\n "doc": "a  b" }', references: [] });
      const again: Candidate = { type: 'AVRO', text: '{"type":"string","doc":"a  b"}', references: [] };
      expect(await registry.register('x', again)).toEqual({ id: 1, version: 1 });
      expect((await registry.byId(1)).text).toBe('{"type":"string","doc":"a  b"}');
    });

    test('a text with U+0000 and backslashes is stored as it is', async () => {
      const text = 'syntax = "proto3"; /* \0 \\0 \\ */ message M { int32 a = 1; }';
      await registry.register('p', { type: 'PROTOBUF', text, references: [] });
      expect((await registry.byId(1)).text).toBe(text);
    });

    test('registries that race give no id and no version twice', async () => {
      const others = [registry, new SchemaRegistry(await it.another()), new SchemaRegistry(await it.another())];
      await scopes.setCompatibility(GLOBAL, 'NONE');
      const wanted = Array.from({ length: 24 }, (_, n) => ({ type: 'fixed', name: 'F', size: Math.floor(n / 2) }));
      const given = await Promise.all(
        wanted.map((schema, n) => (others[n % others.length] ?? registry).register('raced', avro(schema))),
      );
      const bySize = given.map((one, n) => `${wanted[n]?.size}: ${one.id} ${one.version}`);
      expect(new Set(bySize).size).toBe(12); // those who registered the same schema got the same
      expect(new Set(given.map((one) => one.id)).size).toBe(12);
      expect(await registry.versions('raced', false)).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
      expect(await registry.maxId()).toBe(12);
    });

    test('by default the next version reads the data of the last one', async () => {
      await registry.register('x', record(A));
      expect(await refusalOf(registry.register('x', record(A, B)))).toBe(409);
      await registry.register('x', record(A, B_DEFAULT));
      await registry.register('x', record(A, B)); // reads the second one, though not the first
      expect(await registry.versions('x', false)).toEqual([1, 2, 3]);
    });

    test.each([
      ['BACKWARD_TRANSITIVE', [record(A), record(A, B_DEFAULT)], record(A, B), 409],
      ['FORWARD', [record(A, B)], record(A), 409],
      ['FORWARD', [record(A)], record(A, B), 0],
      ['FORWARD_TRANSITIVE', [record(A, B), record(A, B_DEFAULT)], record(A), 409],
      ['FULL', [record(A)], record(A, B_DEFAULT), 0],
      ['FULL', [record(A)], record(A, B), 409],
      ['FULL_TRANSITIVE', [record(A), record(A, B_DEFAULT)], record(A, B), 409],
      ['NONE', [record(A)], avro('string'), 0],
    ])('%s decides which schema may follow', async (level, earlier, next, refusal) => {
      await scopes.setCompatibility('x', 'NONE');
      for (const one of earlier) await registry.register('x', one);
      await scopes.setCompatibility('x', level);
      const registered = registry.register('x', next);
      if (refusal === 0) await registered;
      else expect(await refusalOf(registered)).toBe(refusal);
      expect((await registry.problems('x', next, 'all')).length > 0).toBe(refusal !== 0);
    });

    test('a schema of another type may not follow', async () => {
      await registry.register('x', avro('string'));
      const json: Candidate = { type: 'JSON', text: '{"type":"string"}', references: [] };
      expect(await registry.problems('x', json, 'latest')).toEqual([
        'reading version 1: SCHEMA_TYPE_CHANGED: expected AVRO, got JSON',
      ]);
    });

    test('a comparison with one version, and with those that are not there', async () => {
      await registry.register('x', record(A));
      await registry.register('x', record(A, B_DEFAULT));
      expect(await registry.problems('x', record(A, B), 'latest')).toEqual([]);
      expect(await registry.problems('x', record(A, B), 1)).toEqual([
        'reading version 1: /fields/1: READER_FIELD_MISSING_DEFAULT_VALUE: b is new, and has no default',
      ]);
      expect(await refusalOf(registry.problems('x', record(A), 9))).toBe(40402);
      expect(await refusalOf(registry.problems('nobody', record(A), 1))).toBe(40401);
      expect(await registry.problems('nobody', record(A), 'latest')).toEqual([]);
    });

    test('a schema refers to a version of another subject, which then stays', async () => {
      await registry.register('point', avro({ type: 'record', name: 'Point', fields: [A] }));
      const references = [{ name: 'Point', subject: 'point', version: 1 }];
      const ride = avro({ type: 'record', name: 'Ride', fields: [{ name: 'at', type: 'Point' }] }, references);
      expect(await registry.register('ride', ride)).toEqual({ id: 2, version: 1 });
      expect((await registry.schema(2))?.references).toEqual([
        { name: 'Point', text: '{"type":"record","name":"Point","fields":[{"name":"a","type":"int"}]}' },
      ]);
      expect(await registry.referencedBy('point', 1)).toEqual([2]);
      expect(await refusalOf(registry.deleteSubject('point', false))).toBe(42206);
      expect(await refusalOf(registry.deleteVersion('point', 1, false))).toBe(42206);
      expect(await refusalOf(registry.register('ride', { ...ride, references: [] }))).toBe(42201);
      const absent = [{ name: 'Point', subject: 'point', version: 7 }];
      expect(await refusalOf(registry.register('ride', { ...ride, references: absent }))).toBe(42201);
      await registry.deleteSubject('ride', false);
      await registry.deleteSubject('ride', true);
      expect(await registry.deleteSubject('point', false)).toEqual([1]);
    });

    test('a soft deleted version is not listed, and its data can be read; a hard deleted one is gone', async () => {
      await registry.register('x', avro('int'));
      await registry.register('x', avro('long'));
      expect(await refusalOf(registry.deleteVersion('x', 1, true))).toBe(40407);
      expect(await registry.deleteVersion('x', 1, false)).toBe(1);
      expect(await refusalOf(registry.deleteVersion('x', 1, false))).toBe(40406);
      expect(await registry.versions('x', false)).toEqual([2]);
      expect(await registry.versions('x', true)).toEqual([1, 2]);
      expect(await refusalOf(registry.version('x', 1))).toBe(40402);
      expect((await registry.version('x', 1, true)).text).toBe('"int"');
      expect((await registry.byId(1)).text).toBe('"int"');
      expect(await registry.usesOf(1, false)).toEqual([]);
      expect(await registry.deleteVersion('x', 1, true)).toBe(1);
      expect(await refusalOf(registry.byId(1))).toBe(40403);
      expect(await registry.schema(1)).toBeUndefined();
    });

    test('a subject is deleted in two steps, and its ids are never given again', async () => {
      await registry.register('x', avro('int'));
      await registry.register('x', avro('long'));
      expect(await refusalOf(registry.deleteSubject('x', true))).toBe(40405);
      expect(await registry.deleteSubject('x', false)).toEqual([1, 2]);
      expect(await refusalOf(registry.deleteSubject('x', false))).toBe(40404);
      expect(await registry.subjects({})).toEqual([]);
      expect(await registry.subjects({ deleted: true })).toEqual(['x']);
      expect(await refusalOf(registry.versions('x', false))).toBe(40401);
      expect(await registry.register('x', avro('int'))).toEqual({ id: 1, version: 3 });
      await registry.deleteSubject('x', false);
      expect(await registry.deleteSubject('x', true)).toEqual([1, 2, 3]);
      expect(await registry.register('x', avro('double'))).toEqual({ id: 3, version: 1 });
    });

    test('a lookup finds an equal schema of the subject', async () => {
      await registry.register('x', avro('int'));
      await registry.register('y', avro('string'));
      expect(await registry.lookUp('x', avro('int'), false)).toMatchObject({ id: 1, subject: 'x', version: 1 });
      expect(await refusalOf(registry.lookUp('x', avro('string'), false))).toBe(40403);
      expect(await refusalOf(registry.lookUp('nobody', avro('int'), false))).toBe(40401);
    });

    test('a read-only subject is not changed, and what it has is found', async () => {
      await registry.register('x', avro('int'));
      await scopes.setMode('x', 'READONLY', false);
      expect(await registry.register('x', avro('int'))).toEqual({ id: 1, version: 1 });
      expect(await refusalOf(registry.register('x', avro('long')))).toBe(42205);
      expect(await refusalOf(registry.deleteSubject('x', false))).toBe(42205);
      await registry.register('y', avro('long'));
      await scopes.setMode(GLOBAL, 'READONLY_OVERRIDE', false);
      expect(await refusalOf(registry.register('y', avro('double')))).toBe(42205);
      expect(await scopes.removeMode(GLOBAL)).toBe('READONLY_OVERRIDE');
      await scopes.setMode('x', 'READWRITE', false);
      expect(await registry.register('x', avro('long'))).toEqual({ id: 2, version: 2 });
    });

    test('schemas are imported with their ids into an empty subject', async () => {
      expect(await refusalOf(registry.register('x', { ...avro('int'), id: 40 }))).toBe(42205);
      await scopes.setMode('x', 'IMPORT', false);
      expect(await registry.register('x', { ...avro('int'), id: 40, version: 7 })).toEqual({ id: 40, version: 7 });
      expect(await refusalOf(registry.register('x', { ...avro('long'), id: 40 }))).toBe(42205);
      expect(await refusalOf(registry.register('x', { ...avro('long'), id: 41, version: 7 }))).toBe(42205);
      expect(await refusalOf(scopes.setMode('x', 'IMPORT', false))).toBe(42205);
      expect(await registry.register('y', avro('string'))).toEqual({ id: 41, version: 1 });
    });

    test('compatibility and mode are inherited until a subject has its own', async () => {
      expect(await refusalOf(scopes.compatibility('x', false))).toBe(40408);
      expect(await scopes.compatibility('x', true)).toBe('BACKWARD');
      expect(await scopes.setCompatibility(GLOBAL, 'full')).toBe('FULL');
      expect(await scopes.compatibility('x', true)).toBe('FULL');
      expect(await scopes.setCompatibility('x', 'NONE')).toBe('NONE');
      expect(await scopes.compatibility('x', false)).toBe('NONE');
      expect(await scopes.removeCompatibility('x')).toBe('NONE');
      expect(await refusalOf(scopes.removeCompatibility('x'))).toBe(40408);
      expect(await refusalOf(scopes.setCompatibility('x', 'STRICT'))).toBe(42203);
      expect(await refusalOf(scopes.mode('x', false))).toBe(40409);
      expect(await scopes.mode('x', true)).toBe('READWRITE');
      expect(await refusalOf(scopes.setMode('x', 'OFF', false))).toBe(42204);
    });

    test.each([
      ['no JSON', '{', 42201],
      ['an unknown type', '"nothing"', 42201],
      ['a huge one', JSON.stringify({ type: 'string', doc: 'x'.repeat(600_000) }), 42201],
    ])('what is no schema is refused and leaves nothing: %s', async (_, text, code) => {
      expect(await refusalOf(registry.register('x', { type: 'AVRO', text, references: [] }))).toBe(code);
      expect(await registry.subjects({ deleted: true })).toEqual([]);
      expect(await registry.maxId()).toBe(0);
    });

    test('a name with a context is refused, as contexts are absent', async () => {
      for (const subject of [':.prod:x', ':*:x', '', '__GLOBAL', 'a\0b'])
        expect(await refusalOf(registry.register(subject, avro('int')))).toBe(42208);
      expect(await refusalOf(scopes.setMode(':.prod:', 'READONLY', false))).toBe(42208);
    });
  });
}
