// Who may import whom (docs/ARCHITECTURE.md, "Layers"): each library names the libraries below it, and nothing else.
const may = {
  core: [],
  records: ['core'],
  wire: ['core'],
  metadata: ['core'],
  serdes: ['core'],
  fleet: ['serdes', 'core'],
  registry: ['serdes', 'core'],
  routes: ['fleet', 'core'],
  security: ['core'],
  devices: ['routes', 'security', 'core'],
  log: ['records', 'core'],
  peer: ['wire', 'core'],
  replication: ['log', 'peer', 'wire', 'records', 'metadata', 'core'],
  coordinators: ['wire', 'records', 'metadata', 'core'],
  ingress: ['log', 'records', 'routes', 'fleet', 'security', 'core'],
  roads: ['core'],
  live: ['alerts', 'fleet', 'core'],
  alerts: ['fleet', 'core'],
  broker: ['coordinators', 'replication', 'peer', 'metadata', 'security', 'log', 'wire', 'records', 'core'],
  streams: ['wire', 'records', 'core'],
  telemetry: ['core'],
  'node-host': ['core'],
  settings: ['core'],
  postgres: [
    'alerts',
    'ingress',
    'routes',
    'fleet',
    'registry',
    'serdes',
    'coordinators',
    'metadata',
    'security',
    'core',
  ],
  backup: ['postgres', 'records', 'core'],
  simulator: ['broker', 'coordinators', 'replication', 'peer', 'metadata', 'log', 'wire', 'records', 'core'],
};

/**
 * Within a library: each folder under src, from below to above, with the folders that its files may import. A name that ends
 * in .ts is a file of src itself. What is not named (the index, what puts the parts together) may import all of the library.
 */
export const rooms = {
  coordinators: {
    runtime: [],
    'regex.ts': [],
    echo: [],
    'transaction/model': ['runtime'],
    'transaction/echo': ['transaction/model', 'echo', 'runtime'],
    transaction: ['transaction/echo', 'transaction/model', 'echo', 'runtime', 'regex.ts'],
    'group/assignors': [],
    'group/model': ['group/assignors', 'runtime'],
    'group/classic': ['group/model'],
    'group/consumer': ['group/model', 'group/assignors', 'regex.ts'],
    'group/share': ['group/model', 'group/assignors'],
    'group/migration': ['group/consumer', 'group/classic', 'group/model', 'group/assignors'],
    'group/echo': ['echo', 'group/consumer', 'group/classic', 'group/model', 'group/assignors', 'runtime'],
    group: [
      'echo',
      'group/echo',
      'group/share',
      'group/migration',
      'group/consumer',
      'group/classic',
      'group/model',
      'group/assignors',
      'runtime',
    ],
    share: ['group', 'group/model', 'runtime'],
  },
  broker: {
    'refusal.ts': [],
    'fetch-sessions': [],
    partitions: [],
    quotas: ['refusal.ts'],
    security: ['refusal.ts'],
    network: ['quotas', 'security'],
    admin: ['quotas', 'security', 'refusal.ts'],
    groups: ['admin', 'partitions'],
    transactions: ['groups', 'partitions'],
    share: ['partitions'],
    telemetry: ['partitions'],
    'broker-config.ts': ['network', 'quotas', 'security'],
    membership: ['broker-config.ts'],
    controller: [],
    parts: [
      'membership',
      'broker-config.ts',
      'telemetry',
      'transactions',
      'groups',
      'admin',
      'network',
      'security',
      'partitions',
      'fetch-sessions',
      'quotas',
    ],
    'services.ts': [
      'parts',
      'broker-config.ts',
      'telemetry',
      'groups',
      'admin',
      'network',
      'security',
      'partitions',
      'fetch-sessions',
      'quotas',
      'transactions',
      'share',
    ],
    'access.ts': ['services.ts'],
    handlers: [
      'groups',
      'access.ts',
      'services.ts',
      'broker-config.ts',
      'admin',
      'network',
      'security',
      'quotas',
      'fetch-sessions',
      'transactions',
      'share',
      'refusal.ts',
    ],
  },
};

const filesOf = (library, room) =>
  `^libs/${library}/src/${room.endsWith('.ts') ? room.replace('.', '\\.') : `${room}/[^/]+\\.ts`}$`;

const floors = Object.entries(rooms).flatMap(([library, folders]) =>
  Object.entries(folders).map(([room, below]) => ({
    name: `${library}-${room.replaceAll(/[/.]/g, '-')}-imports-only-what-is-below-it`,
    severity: 'error',
    from: { path: filesOf(library, room), pathNot: '\\.(test|contract)\\.ts$' },
    to: { path: `^libs/${library}/src/`, pathNot: [room, ...below].map((one) => filesOf(library, one)) },
  })),
);

const layers = Object.entries(may).map(([lib, below]) => ({
  name: `${lib}-imports-only-what-is-below-it`,
  severity: 'error',
  from: { path: `^libs/${lib}/`, pathNot: ['\\.(test|contract)\\.ts$', '/testing/'] },
  to: { path: '^(libs|apps)/', pathNot: `^libs/(${[lib, ...below].join('|')})/` },
}));

/** Where time, disk, network and chance of the real world may be touched. */
const edges = '^(libs/(node-host|postgres|streams|telemetry|settings|backup)/|libs/ingress/src/aedes-engine|apps/)';

export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...layers,
    ...floors,
    {
      name: 'a-library-speaks-through-its-index',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/' },
      to: {
        path: '^libs/([^/]+)/src/',
        pathNot: ['^libs/$2/', '/src/index\\.ts$', '\\.contract\\.ts$', '^libs/core/src/testing/'],
      },
    },
    {
      name: 'only-tests-import-what-is-for-tests',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: ['\\.(test|contract)\\.ts$', '/testing/', '/test-kit\\.ts$'] },
      to: { path: '^libs/[^/]+/src/testing/' },
    },
    {
      name: 'libraries-know-nothing-of-nest',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^node_modules/(@nestjs|fastify|@fastify)/' },
    },
    {
      name: 'only-the-appliance-imports-other-apps',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/(appliance|cli)/' },
      to: { path: '^apps/', pathNot: '^apps/($1|chassis)/' },
    },
    {
      name: 'the-world-is-touched-at-the-edges',
      severity: 'error',
      from: { path: '^libs/', pathNot: [edges, '\\.(test|contract)\\.ts$'] },
      to: {
        path: '^(node:)?(fs|fs/promises|net|tls|http|https|dgram|timers|timers/promises|child_process|worker_threads|os)$',
      },
    },
    {
      name: 'only-the-adapter-knows-aedes',
      severity: 'error',
      from: { pathNot: '^libs/ingress/src/aedes-engine' },
      to: { path: '^node_modules/aedes/' },
    },
    {
      name: 'the-page-imports-no-program-of-a-server',
      severity: 'error',
      from: { path: '^apps/dashboard/web/' },
      to: {
        path: '^(apps|libs)/',
        pathNot: '^(apps/dashboard/web|libs/(alerts|live|roads)/src/index)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'the-page-imports-no-module-of-node',
      severity: 'error',
      from: { path: '^apps/dashboard/web/', pathNot: ['/vite\\.config\\.ts$', '\\.test\\.ts$'] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'only-tests-import-the-simulator',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: ['\\.test\\.ts$', '/testing/', '^libs/simulator/'] },
      to: { path: '^libs/simulator/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js'],
    },
  },
};
