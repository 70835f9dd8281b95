/** Grey lines where content will be, but only when it takes longer than 200 ms: a flash is worse than nothing. */
import { Skeleton, Stack } from '@mantine/core'
import { useEffect, useState } from 'react'

export function useSlow(milliseconds = 200): boolean {
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), milliseconds)
    return () => clearTimeout(timer)
  }, [milliseconds])
  return slow
}

export function Waiting({ lines = 4, height = 18 }: { lines?: number; height?: number }) {
  const slow = useSlow()
  return (
    <Stack aria-busy="true" gap={12} mih={lines * (height + 12)} p="md">
      {/* biome-ignore lint/suspicious/noArrayIndexKey: grey lines have no other name */}
      {slow && Array.from({ length: lines }, (_, line) => <Skeleton height={height} key={line} radius="sm" />)}
    </Stack>
  )
}
