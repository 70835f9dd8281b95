/** Decide in words what cancelling a job, trying it again, or running it anew, will do; pure. */
import type { Schemas } from '~/api/client'
import type { Job } from '~/jobs/api'
import type { Plan } from '~/ui/ChangeDialog'

export function cancelPlan(job: Job): Plan {
  const running = job.status === 'running'
  return {
    title: 'Cancel the job',
    sentence: running
      ? 'It stops at its next step; what it did up to there stays done.'
      : 'It has not begun, and is cancelled at once.',
    differences: [{ what: 'Status', before: job.status, after: 'cancelled' }],
    cost: null,
    consequences: running ? ['Droplets that it has ordered, and that are not up yet, are given up.'] : [],
    confirm: 'Cancel the job',
    danger: true,
    request: {
      method: 'POST',
      path: `/jobs/${job.id}/cancel`,
      cli: ['job', 'cancel', job.id],
      python: `client.jobs.cancel("${job.id}")`,
    },
  }
}

/** `steps` undefined: what it remembers is not known yet. */
export function againPlan(job: Job, steps: Schemas['Step'][] | undefined): Plan {
  const last = steps?.at(-1)
  const sentence = !steps
    ? 'Looking up what it remembers…'
    : last
      ? `It goes on after “${last.name}”, the last step it remembers; what it did up to there is not done again.`
      : 'It remembers no step, so it begins from the start.'
  return {
    title: 'Try again',
    sentence,
    differences: [
      { what: 'Status', before: job.status, after: 'pending' },
      { what: 'Begins', before: '–', after: last ? `after “${last.name}”` : 'from the start' },
    ],
    cost: null,
    consequences: last ? ['To do everything from the start instead, choose “Run anew”: that makes a new job.'] : [],
    confirm: 'Try again',
    request: {
      method: 'POST',
      path: `/jobs/${job.id}/retry`,
      cli: ['job', 'retry', job.id],
      python: `client.jobs.retry("${job.id}")`,
    },
  }
}

export function anewPlan(job: Job): Plan {
  const orders =
    job.type === 'provision' ? ['It orders droplets again, beside those that this job has brought up.'] : []
  return {
    title: 'Run anew, from the start',
    sentence: 'A new job with the same input does every step from the start; this one stays as it is.',
    differences: Object.entries(job.parameters)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => ({ what: name.replaceAll('_', ' '), before: '–', after: String(value) })),
    cost: null,
    consequences: orders,
    confirm: 'Run anew',
    request: { method: 'POST', path: '/jobs', body: { type: job.type, parameters: job.parameters } },
  }
}
