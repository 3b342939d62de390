import { cp, copyFile } from 'node:fs/promises';
import { join } from 'node:path';

import esbuild from 'esbuild';

import { bundle } from '../forms/src/bundle.js';

const folder = import.meta.dirname;
const NODES = ['RefundNode', 'RefundNodeTrigger'];

await bundle(esbuild, {
	folder,
	entryPoints: [
		'credentials/RefundNodeApi.credentials.ts',
		...NODES.map((name) => `nodes/${name}/${name}.node.ts`),
	],
	outbase: '.',
	component: () => '../../',
	external: ['n8n-workflow'],
});
await cp(join(folder, 'icons'), join(folder, 'dist/icons'), { recursive: true });
for (const name of NODES) {
	const codex = `nodes/${name}/${name}.node.json`;
	await copyFile(join(folder, codex), join(folder, 'dist', codex));
}
