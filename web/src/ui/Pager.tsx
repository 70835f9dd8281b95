/** Which rows of how many, and the way to the others. */
import { ActionIcon, Group, Text } from '@mantine/core'
import type { TableState } from '~/ui/DataTable'
import { number } from '~/ui/format'
import { Icon } from '~/ui/Icon'

export function Pager({ state }: { state: TableState }) {
  const { page, pageSize, total } = state
  const last = Math.max(1, Math.ceil(total / pageSize))
  const first = (page - 1) * pageSize + 1
  return (
    <Group
      component="nav"
      gap={8}
      justify="space-between"
      p="8px 12px"
      style={{ borderTop: '1px solid var(--cg-line)' }}
    >
      <Text c="dimmed" className="cg-num" size="sm">
        {number(Math.min(first, total))}–{number(Math.min(page * pageSize, total))} of {number(total)}
      </Text>
      {last > 1 && (
        <Group gap={6}>
          <ActionIcon
            aria-label="Previous page"
            disabled={page <= 1}
            onClick={() => state.onChange({ page: page - 1 })}
            size={30}
            variant="default"
          >
            <Icon name="left" />
          </ActionIcon>
          <Text className="cg-num" size="sm">
            {number(page)} / {number(last)}
          </Text>
          <ActionIcon
            aria-label="Next page"
            disabled={page >= last}
            onClick={() => state.onChange({ page: page + 1 })}
            size={30}
            variant="default"
          >
            <Icon name="right" />
          </ActionIcon>
        </Group>
      )}
    </Group>
  )
}
