/** How many droplets are active of how many are wanted. */
import { number } from '~/ui/format'
import classes from './SizeBar.module.css'

export function SizeBar({ active, wanted }: { active: number; wanted: number }) {
  const share = wanted === 0 ? (active === 0 ? 0 : 100) : Math.min(100, (active / wanted) * 100)
  return (
    <span className={classes.size}>
      <span aria-hidden="true" className={classes.track}>
        <span className={classes.fill} data-full={active >= wanted || undefined} style={{ width: `${share}%` }} />
      </span>
      <span className="cg-num">
        {number(active)} / {number(wanted)}
      </span>
    </span>
  )
}
