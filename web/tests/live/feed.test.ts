import { afterEach, beforeEach, expect, test } from 'vitest'
import { Feed } from '~/live/feed'
import { eventServer, until } from './server'

let server: Awaited<ReturnType<typeof eventServer>>
let tabs: { feed: Feed; seen: number[]; left: boolean }[]
let name: string

beforeEach(async () => {
  server = await eventServer()
  tabs = []
  name = `feed ${Math.random()}`
})

afterEach(() => {
  for (const tab of tabs) if (!tab.left) tab.feed.stop()
  server.close()
})

function open() {
  const tab = { feed: new Feed(name, () => server.url), seen: [] as number[], left: false }
  tab.feed.listen({ onEvents: (events) => tab.seen.push(...events.map((event) => event.id)) })
  tab.feed.start()
  tabs.push(tab)
  return tab
}

test('ten tabs share one connection, and all of them hear every event once', async () => {
  for (let tab = 0; tab < 10; tab += 1) open()
  const line = await server.line(0)
  await until(() => tabs.every((tab) => tab.feed.state.connection === 'live'))
  line.send(1, 'job_started')
  line.send(2, 'job_completed')
  await until(() => tabs.every((tab) => tab.seen.length === 2))
  expect(tabs.every((tab) => tab.seen.join() === '1,2')).toBe(true)
  expect(server.lines).toHaveLength(1)
})

test('when the tab that holds the connection is closed, another resumes after the last event', async () => {
  const first = open()
  const line = await server.line(0)
  const second = open()
  await until(() => second.feed.state.connection === 'live')
  line.send(5, 'job_started')
  await until(() => second.seen.length === 1)
  first.feed.stop()
  first.left = true
  const next = await server.line(1)
  expect(next.lastId).toBe('5')
  next.send(6, 'job_completed')
  await until(() => second.seen.length === 2)
  expect(second.seen).toEqual([5, 6])
})

test('a place that came without any event is where another goes on from', async () => {
  const first = open()
  const line = await server.line(0)
  const second = open()
  await until(() => second.feed.state.connection === 'live')
  const before = second.feed.state
  line.place(41)
  await until(() => second.feed.state !== before)
  first.feed.stop()
  first.left = true
  expect((await server.line(1)).lastId).toBe('41')
  expect(second.seen).toEqual([])
})

test('who takes over from a tab that never knew its place has everything read again', async () => {
  const first = open()
  await server.line(0)
  const second = open()
  let read = 0
  second.feed.listen({ onResync: () => (read += 1) })
  await until(() => second.feed.state.connection === 'live')
  first.feed.stop()
  first.left = true
  expect((await server.line(1)).lastId).toBeNull()
  await until(() => read === 1)
})
