/** The right side of the header: search, live pill, time zone, theme, keys. */
import { ActionIcon, Kbd, Menu, Tooltip, useMantineColorScheme } from '@mantine/core'
import { WhoMenu } from '~/auth/WhoMenu'
import { setPreference, usePreferences } from '~/settings/preferences'
import { LivePill } from '~/shell/LivePill'
import { DropMenu } from '~/ui/DropMenu'
import { zoneName } from '~/ui/format'
import { Icon, type IconName } from '~/ui/Icon'
import classes from './Shell.module.css'

const SCHEMES: ['light' | 'dark' | 'auto', string, IconName][] = [
  ['light', 'Light', 'sun'],
  ['dark', 'Dark', 'moon'],
  ['auto', 'Like the system', 'auto'],
]

export const MOD = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl'

export function HeaderTools({ onPalette, onSheet }: { onPalette: () => void; onSheet: () => void }) {
  return (
    <div className={classes.tools}>
      <button className={classes.search} onClick={onPalette} type="button">
        <Icon name="search" size={15} />
        <span>Search, go, do</span>
        <Kbd aria-hidden="true" size="xs">
          {MOD} K
        </Kbd>
      </button>
      <LivePill />
      <ZoneSwitch />
      <SchemeMenu />
      <Tooltip label="Keyboard shortcuts (?)">
        <ActionIcon
          aria-label="Keyboard shortcuts"
          className={classes.wide}
          color="gray"
          onClick={onSheet}
          size={32}
          variant="subtle"
        >
          <Icon name="keyboard" size={18} />
        </ActionIcon>
      </Tooltip>
      <WhoMenu />
    </div>
  )
}

function ZoneSwitch() {
  const { zone } = usePreferences()
  const other = zone === 'utc' ? 'local' : 'utc'
  return (
    <Tooltip label={`Times are in ${zoneName(zone)}; show ${other === 'utc' ? 'UTC' : 'local time'}`}>
      <button className={`${classes.pill} ${classes.wide}`} onClick={() => setPreference('zone', other)} type="button">
        {zone === 'utc' ? 'UTC' : 'Local'}
      </button>
    </Tooltip>
  )
}

function SchemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const icon = SCHEMES.find(([scheme]) => scheme === colorScheme)?.[2] ?? 'auto'
  return (
    <DropMenu>
      <Menu.Target>
        <ActionIcon aria-label="Theme" color="gray" size={32} variant="subtle">
          <Icon name={icon} size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {SCHEMES.map(([scheme, label, name]) => (
          <Menu.Item
            aria-checked={scheme === colorScheme}
            key={scheme}
            leftSection={<Icon name={name} />}
            onClick={() => setColorScheme(scheme)}
            role="menuitemradio"
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </DropMenu>
  )
}
