/** The parts of a filter bar: a search box that waits for a pause in typing, and choices with an "any". */
import { CloseButton, Select, TextInput } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { Icon } from '~/ui/Icon'

const PAUSE = 80

interface SearchBoxProps {
  label: string
  value: string | undefined
  onChange: (value: string | undefined) => void
}

export function SearchBox({ label, value, onChange }: SearchBoxProps) {
  const [typed, setTyped] = useState(value ?? '')
  const sent = useRef(value ?? '')
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    if ((value ?? '') !== sent.current) {
      sent.current = value ?? ''
      setTyped(value ?? '')
    }
  }, [value])
  useEffect(() => () => clearTimeout(timer.current), [])

  function take(now: string, wait: number): void {
    setTyped(now)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      sent.current = now.trim()
      onChange(now.trim() || undefined)
    }, wait)
  }

  return (
    <TextInput
      aria-label={label}
      leftSection={<Icon name="search" size={14} />}
      maxLength={255}
      onChange={(event) => take(event.currentTarget.value, PAUSE)}
      placeholder={label}
      rightSection={typed && <CloseButton aria-label="Clear" onClick={() => take('', 0)} size="sm" />}
      size="xs"
      type="search"
      value={typed}
      w={220}
    />
  )
}

interface ChoiceProps {
  label: string
  value: string | undefined
  options: readonly (string | { value: string; label: string })[]
  onChange: (value: string | undefined) => void
  width?: number
  /** Before it is opened: the time to ask for what only its options show. */
  onFocus?: () => void
}

export function Choice({ label, value, options, onChange, onFocus, width = 150 }: ChoiceProps) {
  return (
    <Select
      aria-label={label}
      clearable
      data={options.map((one) => (typeof one === 'string' ? { value: one, label: one.replaceAll('_', ' ') } : one))}
      maxDropdownHeight={320}
      onChange={(chosen) => onChange(chosen ?? undefined)}
      onFocus={onFocus}
      placeholder={label}
      size="xs"
      value={value ?? null}
      w={width}
    />
  )
}
