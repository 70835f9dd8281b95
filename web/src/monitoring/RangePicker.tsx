/** Which time to look at: a quick range up to now, two moments, wider, or paused. */
import { ActionIcon, Button, Popover, SegmentedControl, Stack, TextInput, Tooltip } from '@mantine/core'
import { useState } from 'react'
import { useEarlyEscape } from '~/ui/escape'
import { Icon } from '~/ui/Icon'
import { moment, QUICK, type Quick, type Range, wider, windowOf } from '~/ui/range'

interface Props {
  value: Range
  paused: boolean
  onChange: (change: Range & { paused?: true }) => void
}

export function RangePicker({ value, paused, onChange }: Props) {
  const window = windowOf(value)
  return (
    <>
      <SegmentedControl
        aria-label="Range"
        data={QUICK.map((one) => ({ value: one, label: one }))}
        onChange={(range) => onChange({ range: range as Quick, from: undefined, to: undefined })}
        size="xs"
        value={value.from ? '' : (value.range ?? '1h')}
      />
      <Exact onChange={onChange} value={value} />
      <Tooltip label="Twice as wide">
        <ActionIcon
          aria-label="Zoom out"
          onClick={() => onChange({ range: undefined, ...wider(window) })}
          size={32}
          variant="default"
        >
          <Icon name="idle" />
        </ActionIcon>
      </Tooltip>
      {window.live && (
        <Tooltip label={paused ? 'Follow the clock' : 'Hold still'}>
          <ActionIcon
            aria-label={paused ? 'Go on' : 'Pause'}
            onClick={() => onChange({ ...value, paused: paused ? undefined : true })}
            size={32}
            variant={paused ? 'filled' : 'default'}
          >
            <Icon name={paused ? 'play' : 'pause'} />
          </ActionIcon>
        </Tooltip>
      )}
    </>
  )
}

function Exact({ value, onChange }: Omit<Props, 'paused'>) {
  const [open, setOpen] = useState(false)
  useEarlyEscape(open, setOpen)
  const window = windowOf(value)
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const bad = moment(from) === undefined || moment(to) === undefined || Date.parse(from) >= Date.parse(to)
  return (
    <Popover
      onChange={setOpen}
      onOpen={() => {
        setFrom(new Date(window.from).toISOString())
        setTo(new Date(window.to).toISOString())
      }}
      opened={open}
      position="bottom-end"
      returnFocus
      trapFocus
      width={280}
    >
      <Popover.Target>
        <Button onClick={() => setOpen(!open)} size="xs" variant={value.from ? 'light' : 'default'}>
          {value.from ? 'Exact range' : 'Exact'}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (bad) return
            onChange({ range: undefined, from: moment(from), to: moment(to) })
            setOpen(false)
          }}
        >
          <Stack gap="xs">
            <TextInput label="From" onChange={(event) => setFrom(event.currentTarget.value)} value={from} />
            <TextInput
              error={from && to && bad ? 'Two moments, the later one last.' : undefined}
              label="To"
              onChange={(event) => setTo(event.currentTarget.value)}
              value={to}
            />
            <Button disabled={bad} type="submit">
              Show
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  )
}
