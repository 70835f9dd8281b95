/** Delete a stored limit, after its plan. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { deleteRule, type Rule } from '~/ratelimit/api'
import { ChangeDialog, type Plan } from '~/ui/ChangeDialog'
import { toast } from '~/ui/toast'

export function RemoveRule({ rule, onClose }: { rule: Rule | null; onClose: () => void }) {
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: deleteRule,
    onSuccess: (reply, { name }) => {
      toast(`Limit ${name}: ${reply.message}`)
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['limits'] }),
  })
  return (
    <ChangeDialog
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() => rule && remove.mutate(rule)}
      plan={rule && planOf(rule)}
    />
  )
}

const planOf = ({ name, scope, capacity, refill_rate: rate }: Rule): Plan => ({
  title: `Delete the limit ${name}, ${scope}`,
  sentence: 'Where the settings have a default, it holds again; else this is not limited any more.',
  differences: [
    { what: 'Limit', before: `${rate} a second, up to ${capacity} at once`, after: 'the default, or none' },
  ],
  cost: null,
  confirm: 'Delete limit',
  danger: true,
  request: {
    method: 'DELETE',
    path: '/observability/ratelimit/config',
    query: { name, scope },
    cli: ['limit', 'delete', name, '--scope', scope],
  },
})
