import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { dashboard, PANELS, solo } from '~/ui/grafana'

const shipped = JSON.parse(readFileSync('../deploy/grafana/dashboards/clustergenie.json', 'utf8'))

test('a link names the subject and the time', () => {
  const link = new URL(dashboard('https://g.example/sub', { job_id: 'job-1', trace_id: 'a&b', from: 1000.7 }))
  expect(link.pathname).toBe(`/sub/d/${shipped.uid}/clustergenie`)
  expect(Object.fromEntries(link.searchParams)).toEqual({
    from: '1000',
    to: 'now',
    'var-job_id': 'job-1',
    'var-trace_id': 'a&b',
  })
})

test('every variable of a link is one of the dashboard that comes along', () => {
  const names = shipped.templating.list.map((one: { name: string }) => one.name)
  expect(names).toEqual(expect.arrayContaining(['job_id', 'trace_id', 'cluster_id']))
})

test('the panels shown are those of the dashboard that comes along', () => {
  const titles = new Map(shipped.panels.map((one: { id: number; title: string }) => [one.id, one.title]))
  for (const [id, title] of PANELS) expect(titles.get(id)).toBe(title)
  expect(new URL(solo('http://g', 8, 'dark')).searchParams.get('theme')).toBe('dark')
})
