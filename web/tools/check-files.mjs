// Fail when a source file is longer than 250 lines: then it holds more than one thing.
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const LONGEST = 250
const root = fileURLToPath(new URL('..', import.meta.url)) // a path may hold spaces
const long = []
for (const folder of ['src', 'tests', 'tools']) {
  for (const entry of await readdir(path.join(root, folder), { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (!entry.isFile() || file.endsWith('schema.d.ts')) continue
    const lines = (await readFile(file, 'utf8')).split('\n').length - 1
    if (lines > LONGEST) long.push(`${path.relative(root, file)}: ${lines} lines`)
  }
}
if (long.length > 0) {
  console.error(`Longer than ${LONGEST} lines:\n${long.join('\n')}`)
  process.exit(1)
}
