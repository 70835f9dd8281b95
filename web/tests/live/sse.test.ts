import { expect, test } from 'vitest'
import { Parser } from '~/live/sse'

test('a message may arrive in any pieces', () => {
  const whole = 'id: 7\nevent: job_started\ndata: {"a":1}\n\n'
  for (let cut = 1; cut < whole.length; cut += 1) {
    const parser = new Parser()
    const messages = [...parser.read(whole.slice(0, cut)).messages, ...parser.read(whole.slice(cut)).messages]
    expect(messages).toEqual([{ id: '7', event: 'job_started', data: '{"a":1}' }])
  }
})

test('an id without data makes no message but is where to resume', () => {
  expect(new Parser().read('retry: 2000\nid: 41\n: connected\n\n')).toEqual({ messages: [], lastId: '41' })
})

test('comments are no messages, and lines of data are joined', () => {
  const { messages } = new Parser().read(': ping\n\ndata: a\ndata: b\r\n\r\n')
  expect(messages).toEqual([{ id: null, event: 'message', data: 'a\nb' }])
})
