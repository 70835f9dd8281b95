// Fail the build when a page would have to load too much. Sizes are of `gzip -9`, in kB of 1,000 bytes.
import { readdir, readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'

const BUDGET = { initialJs: 230, css: 25, route: 60, all: 450 }
const dist = new URL('../dist/', import.meta.url)
const manifest = JSON.parse(await readFile(new URL('.vite/manifest.json', dist), 'utf8'))

async function kilobytes(files) {
  const sizes = await Promise.all(
    [...files].map(async (file) => gzipSync(await readFile(new URL(file, dist)), { level: 9 }).length),
  )
  return sizes.reduce((sum, size) => sum + size, 0) / 1000
}

/** The scripts that loading a chunk loads at once, and their style sheets. */
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen
  seen.add(key)
  for (const next of manifest[key].imports ?? []) closure(next, seen)
  return seen
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry)
const initial = closure(entry)
const filesOf = (keys) => new Set([...keys].map((key) => manifest[key].file))
const sheets = (await readdir(new URL('assets/', dist))).filter((name) => name.endsWith('.css'))
const over = []

function report(name, size, limit) {
  const line = `${name.padEnd(44)} ${size.toFixed(1).padStart(7)} kB of ${limit}`
  if (size > limit) over.push(line)
  console.log(`${size > limit ? 'OVER ' : '     '}${line}`)
}

report('initial JavaScript', await kilobytes(filesOf(initial)), BUDGET.initialJs)
report('style sheets, all', await kilobytes(sheets.map((name) => `assets/${name}`)), BUDGET.css)
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry) continue
  const own = [...closure(key)].filter((one) => !initial.has(one))
  report(`  ${key}`, await kilobytes(filesOf(own)), BUDGET.route)
}
const scripts = Object.keys(manifest).filter((key) => manifest[key].file.endsWith('.js'))
report('JavaScript, all', await kilobytes(filesOf(scripts)), BUDGET.all)
if (over.length > 0) {
  console.error('The console is over its budget; load less at once.')
  process.exit(1)
}
