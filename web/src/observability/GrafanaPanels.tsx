/** The panels of Grafana that say how ClusterGenie itself was in the last hour. */
import { useComputedColorScheme } from '@mantine/core'
import { grafana, PANELS, solo } from '~/ui/grafana'
import { Columns } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import classes from './GrafanaPanels.module.css'

export function GrafanaPanels() {
  const scheme = useComputedColorScheme('light')
  const base = grafana()
  if (!base) return null
  return (
    <Panel title="In Grafana">
      <Columns least={400}>
        {PANELS.map(([id, title]) => (
          <iframe
            className={classes.panel}
            key={id}
            loading="lazy"
            referrerPolicy="no-referrer"
            sandbox="allow-scripts allow-same-origin allow-forms allow-popups"
            src={solo(base, id, scheme)}
            title={title}
          />
        ))}
      </Columns>
    </Panel>
  )
}
