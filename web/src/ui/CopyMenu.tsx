/** The same thing without the console: copy what this page asks for as curl, as a command line or in Python. */
import { Button, Menu } from '@mantine/core'
import { useRef, useState } from 'react'
import { DropMenu } from '~/ui/DropMenu'
import { copyText } from '~/ui/ErrorPanel'
import { Icon } from '~/ui/Icon'
import { asCli, asCurl, asPython, type Request } from '~/ui/request'

const FORMS: [string, (request: Request) => string][] = [
  ['curl', asCurl],
  ['CLI', asCli],
  ['Python', asPython],
  ['Link to this page', () => location.href],
]

export function CopyMenu({
  request,
  label = 'Copy as',
  size = 'sm',
}: {
  request: Request
  label?: string
  size?: 'xs' | 'sm'
}) {
  const [copied, setCopied] = useState('')
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)

  async function copy(name: string, text: string): Promise<void> {
    const done = await copyText(text)
    setCopied(done ? `Copied ${name}` : 'Could not copy')
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setCopied(''), 2000)
  }

  return (
    <DropMenu styles={{ itemLabel: { minWidth: 0 } }} width="min(420px, calc(100vw - 24px))">
      <Menu.Target>
        <Button leftSection={<Icon name={copied ? 'ok' : 'copy'} />} size={size} variant="default">
          <span aria-live="polite">{copied || label}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {FORMS.map(([name, form]) => (
          <Menu.Item key={name} onClick={() => copy(name, form(request))}>
            <div>{name}</div>
            {name.length < 8 && (
              <div className="cg-mono cg-clip cg-dim">{form(request).split('\n').at(-2) ?? form(request)}</div>
            )}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </DropMenu>
  )
}
