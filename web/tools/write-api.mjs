// Write the typed client anew: `npm run api -- http://127.0.0.1:8080/openapi.json`, or without an argument from openapi.json.
import { writeFile } from 'node:fs/promises'
import { DOCUMENT, described, TYPES, types } from './api.mjs'

const document = await described(process.argv[2] ?? DOCUMENT)
await writeFile(DOCUMENT, document)
await writeFile(TYPES, await types(document))
