/** The mark and the name; leads to the overview. */
import { Link } from '@tanstack/react-router'
import classes from './Shell.module.css'

export function Logo() {
  return (
    <Link aria-label="ClusterGenie, overview" className={classes.logo} to="/">
      <svg aria-hidden="true" height="26" viewBox="0 0 32 32" width="26">
        <rect fill="var(--mantine-color-indigo-8)" height="32" rx="8" width="32" />
        <g fill="#fff">
          <circle cx="16" cy="9" r="3.2" />
          <circle cx="9" cy="21" r="3.2" />
          <circle cx="23" cy="21" r="3.2" />
          <path d="M16 13.5 20.6 21 16 24.4 11.4 21Z" opacity=".55" />
        </g>
      </svg>
      <span>ClusterGenie</span>
    </Link>
  )
}
