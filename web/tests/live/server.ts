/** A real event stream on a real socket, in the hands of a test. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Line {
  lastId: string | null
  send: (id: number, type: string, data?: object) => void
  /** Say where the log is, and nothing else. */
  place: (id: number) => void
  cut: () => void
}

export async function eventServer() {
  const lines: Line[] = []
  let refuse = false
  let woken: () => void = () => undefined
  let asked = 0

  function answer(request: IncomingMessage, response: ServerResponse): void {
    asked += 1
    if (refuse) {
      response.writeHead(503).end()
    } else {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': connected\n\n')
      const lastId = request.headers['last-event-id']
      lines.push({
        lastId: typeof lastId === 'string' ? lastId : null,
        send: (id, type, data = {}) =>
          response.write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ id, type, ...data })}\n\n`),
        place: (id) => response.write(`id: ${id}\n: here\n\n`),
        cut: () => response.destroy(),
      })
    }
    woken()
  }

  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream`

  return {
    url,
    lines,
    asked: () => asked,
    refuse: (now: boolean) => {
      refuse = now
    },
    /** The n-th connection, once it is there. */
    async line(n: number): Promise<Line> {
      while (lines.length <= n) {
        await new Promise<void>((resolve) => {
          woken = resolve
        })
      }
      return lines[n] as Line
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Wait until it is so; the test's own deadline ends it. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}
