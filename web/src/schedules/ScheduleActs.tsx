/** Run, pause or delete a schedule, each after its plan. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { changeSchedule, deleteSchedule, runSchedule, type Schedule, specOf } from '~/schedules/api'
import { ChangeDialog, type Plan } from '~/ui/ChangeDialog'
import { noteOwnChange } from '~/ui/held'
import { toast } from '~/ui/toast'

export interface Act {
  kind: 'run' | 'pause' | 'delete'
  schedule: Schedule
}

export function ScheduleActs({ act, onClose }: { act: Act | null; onClose: () => void }) {
  const client = useQueryClient()
  const run = useMutation({
    mutationFn: async ({ kind, schedule }: Act): Promise<string | undefined> => {
      if (kind === 'run') return (await runSchedule(schedule.id)).job.id
      if (kind === 'delete') await deleteSchedule(schedule.id)
      else await changeSchedule(schedule.id, specOf(schedule, { paused: !schedule.paused }))
      return undefined
    },
    onSuccess: (job, { kind, schedule }) => {
      noteOwnChange()
      const said = { run: 'runs now', delete: 'deleted', pause: schedule.paused ? 'runs again' : 'is paused' }[kind]
      toast(`${schedule.name} ${said}`, job && `/jobs/${job}`)
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['schedules'] }),
  })
  return (
    <ChangeDialog
      busy={run.isPending}
      error={run.error}
      onClose={() => {
        run.reset()
        onClose()
      }}
      onConfirm={() => act && run.mutate(act)}
      plan={act && planOf(act)}
    />
  )
}

function planOf({ kind, schedule }: Act): Plan {
  const path = `/schedules/${schedule.id}`
  if (kind === 'run') {
    return {
      title: `Run ${schedule.name} now`,
      sentence: `A ${schedule.type} job is queued at once. Its next slot stays as it is.`,
      differences: [{ what: 'Jobs', before: '–', after: `one ${schedule.type} job` }],
      cost: null,
      confirm: 'Run now',
      request: { method: 'POST', path: `${path}/run` },
    }
  }
  if (kind === 'delete') {
    return {
      title: `Delete ${schedule.name}`,
      sentence: 'It runs no more. Jobs it has queued stay.',
      differences: [{ what: 'Schedule', before: schedule.cron, after: 'gone' }],
      cost: null,
      confirm: 'Delete schedule',
      danger: true,
      request: { method: 'DELETE', path, cli: ['schedule', 'delete', schedule.id, '--yes'] },
    }
  }
  const paused = !schedule.paused
  return {
    title: `${paused ? 'Pause' : 'Resume'} ${schedule.name}`,
    sentence: paused ? 'No slot runs until it is resumed.' : 'It runs from its next slot on; those that passed do not.',
    differences: [{ what: 'State', before: paused ? 'active' : 'paused', after: paused ? 'paused' : 'active' }],
    cost: null,
    confirm: paused ? 'Pause' : 'Resume',
    request: {
      method: 'PUT',
      path,
      body: specOf(schedule, { paused }),
      cli: ['schedule', 'update', schedule.id, paused ? '--paused' : '--no-paused'],
    },
  }
}
