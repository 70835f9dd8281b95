/** The navigation at the side. */
import { ScrollArea } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { serverUrl } from '~/api/client'
import { useServerVersion } from '~/api/server'
import { NAVIGATION } from '~/shell/navigation'
import { Icon } from '~/ui/Icon'
import classes from './Shell.module.css'

export function NavBar() {
  const { version } = useServerVersion()
  return (
    <>
      <ScrollArea style={{ flex: 1 }} type="auto">
        {NAVIGATION.map((section) => (
          <div className={classes.section} key={section.label}>
            <p className={classes.sectionLabel}>{section.label}</p>
            {section.pages.map((page) => (
              <Link
                activeOptions={{ exact: page.to === '/', includeSearch: false }}
                className={classes.link}
                key={page.to}
                title={`g then ${page.letter}`}
                to={page.to}
              >
                <Icon name={page.icon} size={17} />
                {page.label}
              </Link>
            ))}
          </div>
        ))}
      </ScrollArea>
      <div className={classes.foot}>
        <a href={`${serverUrl()}/docs`}>API description</a>
        {version && <div>Version {version}</div>}
      </div>
    </>
  )
}
