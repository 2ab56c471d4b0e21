#!/usr/bin/env node
// `npx milepost <command>`: the same programs one by one, through the same launcher.
process.argv.splice(2, 0, 'milepost');
await import('./launch.mjs');
