// Fail when the typed client is older than the API: `node tools/check-api.mjs [URL or file of the server's openapi.json]`.
import { readFile } from 'node:fs/promises'
import { DOCUMENT, described, TYPES, types } from './api.mjs'

const kept = await readFile(DOCUMENT, 'utf8')
const source = process.argv[2]
const stale = []
if (source && (await described(source)) !== kept) stale.push(`web/openapi.json differs from ${source}`)
if ((await types(kept)) !== (await readFile(TYPES, 'utf8'))) stale.push('src/api/schema.d.ts differs from openapi.json')
if (stale.length > 0) {
  console.error(`The typed client is stale: ${stale.join('; ')}.\nRun: npm run api -- URL-OF-openapi.json`)
  process.exit(1)
}
