// Builds the dashboard into `dist`, or into the folder given as the first argument.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const out = process.argv[2] ?? join(here, 'dist')
mkdirSync(out, { recursive: true })
await build({
  absWorkingDir: here,
  entryPoints: { dashboard: 'src/main.tsx' },
  outdir: out,
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  charset: 'utf8',
  legalComments: 'inline',
  logLevel: 'warning',
})
cpSync(join(here, 'src/index.html'), join(out, 'index.html'))

// Both licences ask that their text goes with every copy.
const licenses = ['preact', 'uplot'].map((name) => `${name}\n\n${readFileSync(join(here, 'node_modules', name, 'LICENSE'), 'utf8')}`)
writeFileSync(join(out, 'licenses.txt'), licenses.join('\n\n'))
