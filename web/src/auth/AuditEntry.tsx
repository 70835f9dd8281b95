/** One act at the side of the trail: before and after, and where it came from. */
import { Button, Drawer, Group, Stack } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { changesOf, type Entry, pageOf } from '~/auth/audit'
import { Differences } from '~/ui/ChangeDialog'
import { Facts, Json } from '~/ui/Facts'
import { Panel } from '~/ui/Panel'
import { Moment } from '~/ui/Time'

interface Props {
  entry: Entry | undefined
  onClose: () => void
  onNarrow: (change: { actor?: string; target?: string; open?: undefined }) => void
}

export function AuditEntry({ entry, onClose, onNarrow }: Props) {
  return (
    <Drawer
      onClose={onClose}
      opened={entry !== undefined}
      position="right"
      size="min(620px, 100vw)"
      title={<strong className="cg-any">{entry?.action}</strong>}
    >
      {entry && <Details entry={entry} onNarrow={onNarrow} />}
    </Drawer>
  )
}

function Details({ entry, onNarrow }: { entry: Entry; onNarrow: Props['onNarrow'] }) {
  const changes = changesOf(entry.before, entry.after)
  const page = pageOf(entry.target)
  return (
    <Stack gap="md">
      <Facts
        facts={[
          ['When', <Moment at={entry.at} key="at" />],
          ['Who', `${entry.actor_name} (${entry.actor}, ${entry.actor_kind})`],
          ['From', entry.address || '–'],
          [
            'To',
            page ? (
              <Link className="cg-link cg-mono" key="target" search={page.search as never} to={page.to}>
                {entry.target}
              </Link>
            ) : (
              <span className="cg-mono" key="target">
                {entry.target || '–'}
              </span>
            ),
          ],
          [
            'Request',
            <span className="cg-mono" key="request">
              {entry.request_id || '–'}
            </span>,
          ],
          [
            'Trace',
            <Link className="cg-link cg-mono" key="trace" search={{ trace: entry.trace_id }} to="/events">
              {entry.trace_id}
            </Link>,
          ],
        ]}
      />
      <Group gap={8}>
        <Button onClick={() => onNarrow({ actor: entry.actor, open: undefined })} size="compact-sm" variant="light">
          All by {entry.actor_name || entry.actor}
        </Button>
        {entry.target && (
          <Button onClick={() => onNarrow({ target: entry.target, open: undefined })} size="compact-sm" variant="light">
            All done to it
          </Button>
        )}
      </Group>
      <Panel title="What changed">
        <Differences
          rows={changes.map((one) => ({ what: one.path || 'value', before: one.before, after: one.after }))}
        />
      </Panel>
      <details>
        <summary>As it was noted</summary>
        <Json label="Before and after" value={{ before: entry.before, after: entry.after }} />
      </details>
    </Stack>
  )
}
