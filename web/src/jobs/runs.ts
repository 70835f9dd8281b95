/** Compare a job with the runs before it; pure. */
import type { Job } from '~/jobs/api'
import { duration } from '~/ui/format'

type Timed = Pick<Job, 'id' | 'started_at' | 'completed_at'>

export function secondsOf(job: Timed): number {
  if (!job.started_at || !job.completed_at) return 0
  return Math.max(0, (Date.parse(job.completed_at) - Date.parse(job.started_at)) / 1000)
}

export function median(values: number[]): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

const NOTABLE = 1.5

/** In a sentence: how long it took, and how long is usual. */
export function compared(job: Timed, runs: Timed[]): string {
  const others = runs.filter((one) => one.id !== job.id).map(secondsOf)
  const usual = median(others)
  if (usual === null) return 'No other run of this type has completed yet.'
  const text = `Usual is ${duration(usual)}, the median of ${others.length}.`
  if (!job.started_at || !job.completed_at) return text
  const took = secondsOf(job)
  const how =
    took > usual * NOTABLE ? 'longer than usual' : took * NOTABLE < usual ? 'shorter than usual' : 'about as usual'
  return `It took ${duration(took)}, ${how}. ${text}`
}
