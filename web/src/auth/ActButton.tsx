/** A button for something that needs a role: without it, the button stays, says why, and does nothing. */
import { Button, type ButtonProps, Tooltip } from '@mantine/core'
import type { MouseEvent, ReactNode, Ref } from 'react'
import type { Role } from '~/auth/api'
import { useRefusal } from '~/auth/useMay'

interface Props extends ButtonProps {
  needs?: Role
  /** The cluster that it is about; without one it needs the role on all clusters. */
  cluster?: string | null
  /** It is enough to have the role on some cluster: the server decides about each. */
  anywhere?: boolean
  onClick?: (event: MouseEvent<HTMLButtonElement>) => void
  title?: string
  'aria-label'?: string
  children?: ReactNode
  ref?: Ref<HTMLButtonElement>
}

export function ActButton({ needs = 'operator', cluster, anywhere = false, onClick, ...rest }: Props) {
  const why = useRefusal(needs, cluster, anywhere)
  if (!why) return <Button onClick={onClick} {...rest} />
  return (
    <Tooltip label={why} multiline w={260}>
      <Button {...rest} aria-disabled data-disabled onClick={(event) => event.preventDefault()} title={undefined} />
    </Tooltip>
  )
}
