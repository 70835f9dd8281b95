/** Events that a consumer could not take, with the reason, and the way to hand them over once more. */

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ActButton } from '~/auth/ActButton'
import { type DeadLetter, deadLetterList, replayDeadLetter } from '~/events/api'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Json } from '~/ui/Facts'
import { plural } from '~/ui/format'
import { Icon } from '~/ui/Icon'
import { Pager } from '~/ui/Pager'
import { Panel } from '~/ui/Panel'
import { Ago } from '~/ui/Time'
import { tableState } from '~/ui/tableState'
import { toast } from '~/ui/toast'
import { Waiting } from '~/ui/Waiting'
import classes from './DeadLetters.module.css'

const SIZE = 20
const route = getRouteApi('/observability')

export function DeadLetters() {
  const { page = 1 } = route.useSearch()
  const navigate = route.useNavigate()
  const query = useQuery(deadLetterList(page, SIZE))
  const letters = query.data?.dead_letters
  return (
    <Panel flush title="Dead letters">
      {query.error && <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />}
      {!letters && !query.error && <Waiting />}
      {letters?.length === 0 && (
        <Empty cli={['events', 'dlq', 'list']} icon="ok" title="No dead letters">
          Every consumer could take every event.
        </Empty>
      )}
      <ul className={classes.letters}>
        {letters?.map((letter) => (
          <Letter key={letter.id} letter={letter} />
        ))}
      </ul>
      {query.data && query.data.total > SIZE && (
        <Pager
          state={tableState({
            search: { page },
            total: query.data.total,
            usual: 'failed_at',
            pageSize: SIZE,
            write: (change) => void navigate({ search: { page: change.page } }),
          })}
        />
      )}
    </Panel>
  )
}

function Letter({ letter }: { letter: DeadLetter }) {
  const client = useQueryClient()
  // What could not even be read has no event, only its text.
  const name = letter.event ? `Event ${letter.event.id}` : `What came${letter.origin ? ` from ${letter.origin}` : ''}`
  const replay = useMutation({
    mutationFn: () => replayDeadLetter(letter.id),
    onSuccess: () => toast(`${name} was taken`),
    onSettled: () => client.invalidateQueries({ queryKey: ['observability'] }),
  })
  return (
    <li className={classes.letter}>
      <div className={classes.head}>
        <strong>{letter.type.replaceAll('_', ' ')}</strong>
        <span className="cg-dim">
          for {letter.consumer_group}, {plural(letter.attempts, 'attempt')}, <Ago at={letter.failed_at} />
        </span>
        {letter.replayed_at ? (
          <span className="cg-dim">
            replayed <Ago at={letter.replayed_at} />
          </span>
        ) : (
          <ActButton
            leftSection={<Icon name="retry" />}
            loading={replay.isPending}
            onClick={() => replay.mutate()}
            size="compact-sm"
            variant="default"
          >
            Replay
          </ActButton>
        )}
      </div>
      <div className="cg-any">{letter.reason}</div>
      {replay.error && <ErrorPanel compact error={replay.error} />}
      <details>
        <summary>{name}</summary>
        {letter.event ? <Json label={name} value={letter.event} /> : <pre className="cg-any">{letter.raw}</pre>}
      </details>
    </li>
  )
}
