/** How far a job is. */
import type { Job } from '~/jobs/api'
import classes from './JobProgress.module.css'

export function JobProgress({ job, wide = false }: { job: Pick<Job, 'status' | 'progress'>; wide?: boolean }) {
  return (
    <span className={classes.progress} data-wide={wide || undefined}>
      <span
        aria-label="Progress"
        aria-valuemax={100}
        aria-valuemin={0}
        aria-valuenow={job.progress}
        className={classes.track}
        role="progressbar"
      >
        <span className={classes.fill} data-status={job.status} style={{ width: `${job.progress}%` }} />
      </span>
      <span className={classes.number}>{job.progress} %</span>
    </span>
  )
}
