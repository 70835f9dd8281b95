import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Connection, follow, type LiveEvent } from '~/live/stream'
import { eventServer, until } from './server'

let server: Awaited<ReturnType<typeof eventServer>>
let stop: () => void
let events: LiveEvent[]
let states: Connection[]
let resyncs: number

beforeEach(async () => {
  server = await eventServer()
  events = []
  states = []
  resyncs = 0
})

afterEach(() => {
  stop()
  server.close()
})

function start(lastId: string | null = null, silence = 5000): void {
  stop = follow(
    {
      url: () => server.url,
      onEvents: (arrived) => events.push(...arrived),
      onResync: () => {
        resyncs += 1
      },
      onConnection: (state) => states.push(state),
    },
    lastId,
    { silence, firstWait: 1, longestWait: 5 },
  )
}

test('a cut line is taken up again after the last event, and nothing comes twice', async () => {
  start()
  const first = await server.line(0)
  first.send(1, 'job_started')
  first.send(2, 'job_progress')
  await until(() => events.length === 2)
  first.cut()
  const second = await server.line(1)
  second.send(3, 'job_completed')
  await until(() => events.length === 3)
  expect(second.lastId).toBe('2')
  expect(events.map((event) => event.id)).toEqual([1, 2, 3])
  expect(states).toEqual(['connecting', 'live', 'reconnecting', 'live'])
})

test('a follower that takes over begins where its predecessor was', async () => {
  start('41')
  expect((await server.line(0)).lastId).toBe('41')
})

test('a gap that cannot be filled is said, and the stream goes on', async () => {
  start()
  const line = await server.line(0)
  line.send(90, 'resync')
  line.send(91, 'job_started')
  await until(() => events.length === 1)
  expect(resyncs).toBe(1)
})

test('after three failures in a row pages poll, until the stream answers again', async () => {
  server.refuse(true)
  start()
  await until(() => server.asked() >= 3 && states.includes('polling'))
  expect(states.filter((state) => state === 'reconnecting')).toHaveLength(2)
  server.refuse(false)
  await until(() => states.at(-1) === 'live')
})

test('a line that says nothing for too long is dead', async () => {
  start(null, 30)
  await server.line(0)
  await server.line(1)
  expect(states).toContain('reconnecting')
})
