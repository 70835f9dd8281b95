/** One role, and the clusters it is for. */
import { ActionIcon, Group, MultiSelect, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { type Role, roleList } from '~/auth/api'
import type { GrantDraft } from '~/auth/keydraft'
import { NAMED } from '~/clusters/ClusterName'
import { Icon } from '~/ui/Icon'

interface GrantLineProps {
  /** What stands before the role. */
  lead?: ReactNode
  grant: GrantDraft
  onChange: (change: Partial<GrantDraft>) => void
  onRemove?: () => void
}

export function GrantLine({ lead, grant, onChange, onRemove }: GrantLineProps) {
  const clusters = useQuery(NAMED)
  const roles = useQuery(roleList())
  const known = (clusters.data?.clusters ?? []).map((one) => ({ value: one.id, label: one.name }))
  const strange = grant.clusters.filter((id) => !known.some((one) => one.value === id))
  return (
    <Group align="flex-start" gap={8} wrap="nowrap">
      {lead}
      <Select
        allowDeselect={false}
        data={['viewer', 'operator', 'admin']}
        description={roles.data?.roles.find((one) => one.role === grant.role)?.summary}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        label="Role"
        onChange={(role) => onChange({ role: (role ?? 'viewer') as Role })}
        style={{ flex: 1 }}
        value={grant.role}
      />
      <MultiSelect
        clearable
        data={[...known, ...strange.map((id) => ({ value: id, label: id }))]}
        label="On"
        onChange={(chosen) => onChange({ clusters: chosen })}
        placeholder={grant.clusters.length === 0 ? 'All clusters' : undefined}
        searchable
        style={{ flex: 2 }}
        value={grant.clusters}
      />
      {onRemove && (
        <ActionIcon aria-label="Take this role away" color="gray" mt={26} onClick={onRemove} size={34} variant="subtle">
          <Icon name="bad" />
        </ActionIcon>
      )}
    </Group>
  )
}
