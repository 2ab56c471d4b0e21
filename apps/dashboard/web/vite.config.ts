// How Vite builds the pages (decision 0074): an HTML file each, and what they share in assets/, under names that change with
// their contents. A module that does not belong into a browser fails the build.
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;
const root = join(here, '..', '..', '..');
/** What the pages may consist of (also in tools/page.mjs). Of a library, only what is used gets into the bundle. */
const isAllowed = (name: string): boolean =>
  /^(apps\/dashboard\/web|libs\/(alerts|live|roads)\/src|node_modules\/leaflet)\//.test(name);

function onlyForBrowsers(): Plugin {
  return {
    name: 'only-for-browsers',
    enforce: 'pre',
    /** Dropped with the code that uses them, none of which may be left. */
    resolveId: (id) => (isBuiltin(id) ? { id, external: true, moduleSideEffects: false } : undefined),
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        const modules = Object.entries(chunk.modules).flatMap(([id, { renderedLength }]) =>
          renderedLength > 0 && !id.startsWith('\0') ? [relative(root, id).replaceAll('\\', '/')] : [],
        );
        const strangers = [...modules, ...chunk.imports.filter(isBuiltin)].filter((name) => !isAllowed(name));
        if (strangers.length > 0) this.error(`${strangers.join(', ')}: not for a browser; import only types from it`);
      }
    },
  };
}

export default defineConfig({
  root: here,
  base: './', // a proxy may have the page below a path
  publicDir: false,
  logLevel: 'warn',
  resolve: {
    alias: [
      { find: /^@milepost\/([^/]+)$/, replacement: join(root, 'libs', '$1', 'src', 'index.ts') },
      { find: /^leaflet$/, replacement: 'leaflet/dist/leaflet-src.esm.js' },
    ],
  },
  plugins: [onlyForBrowsers()],
  build: {
    outDir: join(root, 'dist', 'apps', 'dashboard', 'web'),
    emptyOutDir: true,
    target: ['chrome123', 'firefox124', 'safari17.5'], // the first with light-dark() and Map.groupBy
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['.', 'manage', 'sign-in'].map((folder) => join(here, folder, 'index.html')),
      treeshake: { moduleSideEffects: (id) => !id.includes('/libs/') },
    },
  },
});
