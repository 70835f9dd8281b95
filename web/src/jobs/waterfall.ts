/** Lay out what a job spent its time on, as bars on one axis; pure. */
import type { Attempt, Job } from '~/jobs/api'
import type { Step } from '~/jobs/timeline'

export interface Bar {
  key: string
  label: string
  /** Milliseconds since the job was asked for. */
  from: number
  to: number
  tone: 'idle' | 'busy' | 'ok' | 'warn' | 'bad'
  inner: boolean
}

const TONES: Record<string, Bar['tone']> = {
  running: 'busy',
  completed: 'ok',
  failed: 'bad',
  lost: 'bad',
  expired: 'bad',
  retry: 'warn',
  handed_back: 'warn',
  cancelled: 'idle',
}

/** Waiting, each attempt, and within the attempts what was said on the way; `now` in milliseconds ends what runs. */
export function barsOf(job: Pick<Job, 'created_at' | 'completed_at'>, attempts: Attempt[], steps: Step[], now: number) {
  const start = Date.parse(job.created_at)
  const since = (at: string | null) => (at === null ? now : Date.parse(at)) - start
  const end = Math.max(1, since(job.completed_at))
  const bars: Bar[] = []
  let free = 0
  for (const attempt of attempts) {
    if (attempt.started_at === null) continue
    const from = Math.max(free, since(attempt.started_at))
    const to = Math.max(from, Math.min(end, since(attempt.ended_at)))
    if (from > free) bars.push(bar(`wait ${attempt.fence}`, 'waiting', free, from, 'idle'))
    const tone = TONES[attempt.outcome] ?? 'busy'
    bars.push(bar(`attempt ${attempt.fence}`, `attempt ${attempt.attempt}`, from, to, tone))
    bars.push(...within(steps, from, to, since))
    free = to
  }
  if (attempts.length === 0) bars.push(bar('wait', 'waiting', 0, end, 'idle'))
  return { bars, end }
}

const bar = (key: string, label: string, from: number, to: number, tone: Bar['tone']): Bar => ({
  key,
  label,
  from,
  to,
  tone,
  inner: false,
})

/** Each step lasts until the next one is told of. */
function within(steps: Step[], from: number, to: number, since: (at: string) => number): Bar[] {
  const told = steps.filter((step) => {
    const at = since(step.at)
    return at >= from && at < to && step.type !== 'job_requested' && step.type !== 'job_started'
  })
  return told.map((step, place) => {
    const next = told[place + 1]
    return {
      key: step.key,
      label: step.title,
      from: since(step.at),
      to: next ? since(next.at) : to,
      tone: 'busy' as const,
      inner: true,
    }
  })
}
