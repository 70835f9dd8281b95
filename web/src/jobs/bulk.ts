/** Decide what cancelling or retrying many jobs will do; pure, but for the call it names. */
import { actOnJobs, ended, type Job } from '~/jobs/api'
import type { Bulk } from '~/ui/bulk'
import { plural, words } from '~/ui/format'

export type Act = 'cancel' | 'retry'

/** Those of the jobs that this can be done to. */
export function fitting(act: Act, jobs: Job[]): Job[] {
  if (act === 'cancel') return jobs.filter((job) => !ended(job) && job.cancel_requested_at === null)
  return jobs.filter((job) => job.status === 'failed' || job.status === 'cancelled')
}

export function jobsBulk(act: Act, jobs: Job[]): Bulk {
  const fit = fitting(act, jobs)
  const ids = fit.map((job) => job.id)
  const names = new Map(fit.map((job) => [job.id, `${words(job.type)} ${job.id.slice(-6)}`]))
  const skipped = jobs.length - fit.length
  const running = fit.filter((job) => job.status === 'running').length
  const cancel = act === 'cancel'
  const left = skipped > 0 ? ` ${plural(skipped, 'other')} of those selected cannot be, and stay as they are.` : ''
  return {
    ids,
    nameOf: (id) => names.get(id) ?? id,
    call: (part) => actOnJobs(act, part),
    plan: {
      title: cancel ? `Cancel ${plural(ids.length, 'job')}` : `Try ${plural(ids.length, 'job')} again`,
      sentence: cancel
        ? `Those that wait are cancelled at once; ${plural(running, 'running one')} stop at the next step.${left}`
        : `Each goes on after the last step it remembers, with new attempts.${left}`,
      differences: tally(fit, cancel ? 'cancelled' : 'pending'),
      cost: null,
      consequences: cancel ? ['Droplets that a cancelled job had ordered, and that are not up yet, are given up.'] : [],
      confirm: cancel ? `Cancel ${plural(ids.length, 'job')}` : `Try ${plural(ids.length, 'job')} again`,
      danger: cancel,
      request: { method: 'POST', path: '/jobs/bulk', body: { action: act, ids } },
    },
  }
}

function tally(jobs: Job[], after: string) {
  const counted = new Map<string, number>()
  for (const job of jobs) counted.set(job.status, (counted.get(job.status) ?? 0) + 1)
  return [...counted].map(([status, count]) => ({ what: plural(count, 'job'), before: status, after }))
}
