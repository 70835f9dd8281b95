/** All keys on one sheet. */
import { Kbd, Modal, Switch } from '@mantine/core'
import { setPreference, usePreferences } from '~/settings/preferences'
import { type Command, MOVES } from '~/shell/commands'
import { MOD } from '~/shell/HeaderTools'
import classes from './Sheet.module.css'

export default function Sheet({ commands, onClose }: { commands: Command[]; onClose: () => void }) {
  const { singleKeys } = usePreferences()
  const rows = [...commands.filter((one) => one.keys), ...MOVES]
  return (
    <Modal onClose={onClose} opened size="lg" title="Keyboard shortcuts">
      <dl className={classes.sheet}>
        {rows.map(({ keys, label }) => (
          <div className={classes.row} key={label}>
            <dt>{label}</dt>
            <dd>
              {keys?.map((key) => (
                <Kbd key={key} size="sm">
                  {key.replace('mod+', `${MOD} `)}
                </Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <Switch
        checked={singleKeys}
        label="Shortcuts of single keys"
        mt="md"
        onChange={(event) => setPreference('singleKeys', event.currentTarget.checked)}
      />
    </Modal>
  )
}
