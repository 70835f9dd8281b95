import { expect, test } from 'vitest'
import { attentionOf, type Seen } from '~/overview/attention-plan'

const now = Date.parse('2026-11-23T12:00:00Z')
const calm: Seen = { clusters: [], failed: [], lost: [], orphans: 0, orphanCost: 0 }

test('nothing is asked of a person when nothing is wrong', () => {
  const healthy = { id: 'c', name: 'web', status: 'healthy', health: 'fine', last_checked: null } as const
  expect(attentionOf({ ...calm, clusters: [healthy] }, now)).toEqual([])
})

test('degraded clusters come first, old failures are history, and each line leads somewhere', () => {
  const items = attentionOf(
    {
      clusters: [{ id: 'c1', name: 'web', status: 'degraded', health: '1 of 3 droplets is lost', last_checked: null }],
      failed: [
        { id: 'j1', type: 'provision', error: 'no room', message: '', completed_at: '2026-11-23T11:00:00Z' },
        { id: 'j2', type: 'scale', error: 'old', message: '', completed_at: '2026-11-20T11:00:00Z' },
      ],
      lost: [
        {
          id: 'd1',
          name: 'web-1',
          status: 'lost',
          status_reason: 'silent for 20 s',
          updated_at: '2026-11-23T11:59:00Z',
        },
      ],
      orphans: 2,
      orphanCost: 8930,
    },
    now,
  )
  expect(items.map((item) => item.key)).toEqual(['c1', 'lost', 'j1', 'orphans'])
  expect(items.every((item) => item.to.startsWith('/'))).toBe(true)
})
